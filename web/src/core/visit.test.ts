import { describe, expect, it } from 'vitest';
import { memoryOver } from './storage';
import { Visits } from './visit';

function storage(): Storage {
  const map = new Map<string, string>();
  return {
    get length() {
      return map.size;
    },
    clear: () => map.clear(),
    getItem: (key) => map.get(key) ?? null,
    key: () => null,
    removeItem: (key) => void map.delete(key),
    setItem: (key, value) => void map.set(key, value),
  };
}

function visits(tab = storage(), lasting = storage()): Visits {
  return new Visits(
    memoryOver(() => tab),
    memoryOver(() => lasting),
  );
}

const forbidden = memoryOver(() => {
  throw new DOMException('no', 'SecurityError');
});

describe('what a browser remembers', () => {
  it('keeps a visit apart per room', () => {
    const all = visits();
    all.keepVisit('a', { session: 's', inside: true, name: 'Anna' });
    expect(all.visit('a')).toEqual({ session: 's', inside: true, name: 'Anna' });
    expect(all.visit('b')).toEqual({ session: null, inside: false, name: '' });
  });

  it('knows the devices again in another tab', () => {
    const lasting = storage();
    const choices = { microphone: { on: false, id: 'm' }, camera: { on: true, id: null } };
    visits(storage(), lasting).keepDevices(choices);
    expect(visits(storage(), lasting).devices()).toEqual(choices);
  });

  it('has everything on at the first visit', () => {
    expect(visits().devices().camera).toEqual({ on: true, id: null });
  });

  it('takes nothing from what another version wrote', () => {
    const tab = storage();
    tab.setItem('visavis.visit.a', '{"session":5,"inside":"yes"}');
    tab.setItem('visavis.devices', '[1,');
    expect(visits(tab).visit('a')).toEqual({ session: null, inside: false, name: '' });
    expect(visits(tab).devices().microphone).toEqual({ on: true, id: null });
  });

  it('works where storage is forbidden', () => {
    const all = new Visits(forbidden, forbidden);
    all.keepName('Anna');
    all.keepVisit('a', { session: 's', inside: true, name: 'Anna' });
    expect(all.name()).toBe('');
    expect(all.visit('a').inside).toBe(false);
  });
});
