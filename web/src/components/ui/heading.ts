/** Gives the focus to the heading of a page that just opened, for those who listen to it. */
export function focusHeading(element: HTMLElement): void {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
}
