/** What a key does in a meeting. */
export type Action = 'microphone' | 'camera' | 'share' | 'chat' | 'people' | 'talk';

/** What a shortcut depends on, of a keyboard event. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  repeat: boolean;
}

/** Where the focus is: in a field one types into, on another control, or on neither. */
export type Focus = 'text' | 'control' | 'page';

const SINGLE: Readonly<Record<string, Action>> = {
  m: 'microphone',
  v: 'camera',
  s: 'share',
  c: 'chat',
  p: 'people',
};
const WITH_CONTROL: Readonly<Record<string, Action>> = { d: 'microphone', e: 'camera' };

/**
 * The action of a key press, or null. Single letters are dead in text fields and with modifiers,
 * Space also on a focused control (where it presses that control).
 */
export function actionOf(press: KeyPress, focus: Focus): Action | null {
  if (press.altKey || press.repeat) return null;
  const key = press.key.toLowerCase();
  if (press.ctrlKey || press.metaKey) {
    return press.shiftKey ? null : (WITH_CONTROL[key] ?? null);
  }
  if (focus === 'text' || press.shiftKey) return null;
  if (key === ' ') return focus === 'page' ? 'talk' : null;
  return SINGLE[key] ?? null;
}

/** Where a focused element puts the keyboard. */
export function focusOf(element: Element | null): Focus {
  if (element === null) return 'page';
  if (element.closest('input, textarea, select, [contenteditable], [role="dialog"]')) return 'text';
  return element.closest('button, a[href], summary, video[controls]') ? 'control' : 'page';
}
