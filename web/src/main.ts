import { mount } from 'svelte';
import App from './App.svelte';
import { language } from './state/i18n';
import './styles/tokens.css';
import './styles/base.css';

/** What a meeting can't do without. */
const NEEDED = ['RTCPeerConnection', 'WebSocket', 'MediaStream', 'crypto'];

const missing = NEEDED.filter((name) => !(name in globalThis));
const app = document.getElementById('app');
const tooOld = document.getElementById('too-old');
if (missing.length > 0 && tooOld !== null) {
  document.getElementById('too-old-missing')?.append(missing.join(', '));
  tooOld.hidden = false;
} else if (app !== null) {
  document.documentElement.lang = language;
  mount(App, { target: app });
}
