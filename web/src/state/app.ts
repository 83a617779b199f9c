import { getContext, setContext } from 'svelte';
import { lasting, ofTab } from '../core/storage';
import { Visits } from '../core/visit';
import { Announcer } from './announcer.svelte';
import { Router } from './router.svelte';
import { Toasts } from './toasts.svelte';

/** What every page needs. Made once at the root and passed by context, so that tests can have two. */
export interface App {
  router: Router;
  toasts: Toasts;
  announcer: Announcer;
  visits: Visits;
}

const KEY = Symbol('app');

/** Makes the app's controllers and gives them to all components below. */
export function provideApp(): App {
  const announcer = new Announcer();
  return setContext<App>(KEY, {
    router: new Router(),
    toasts: new Toasts((text) => announcer.say(text)),
    announcer,
    visits: new Visits(ofTab(), lasting()),
  });
}

/** The controllers that the root provides. */
export function useApp(): App {
  return getContext<App>(KEY);
}
