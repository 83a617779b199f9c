import { roomFromPath } from '../core/names';

/** Where in the app somebody is. */
export type Route = { page: 'home' } | { page: 'room'; room: string } | { page: 'not-found' };

/** The page of a path. */
export function routeOf(path: string): Route {
  if (path === '/') return { page: 'home' };
  const segment = /^\/m\/([^/]+)\/?$/u.exec(path)?.[1];
  const room = segment === undefined ? null : roomFromPath(segment);
  return room === null ? { page: 'not-found' } : { page: 'room', room };
}

/** The address bar, as a value that components can watch. */
export class Router {
  route = $state.raw<Route>(routeOf(location.pathname));

  constructor() {
    addEventListener('popstate', () => this.#read());
  }

  /** Goes to another page of the app; the browser's Back leads here again. */
  go(path: string): void {
    history.pushState(null, '', path);
    this.#read();
  }

  /** Follows a click on a link inside the app without loading the page anew. */
  follow = (event: MouseEvent): void => {
    const link = event.currentTarget;
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (!(link instanceof HTMLAnchorElement) || !plain) return;
    event.preventDefault();
    this.go(link.pathname);
  };

  #read(): void {
    this.route = routeOf(location.pathname);
    scrollTo(0, 0);
  }
}
