import { expect, it } from 'vitest';
import { mediaProblem } from './problems';

function refusal(name: string, message = ''): DOMException {
  return new DOMException(message, name);
}

it('tells a blocked site from a closed question', () => {
  expect(mediaProblem(refusal('NotAllowedError'), 'denied')).toBe('blocked-site');
  expect(mediaProblem(refusal('NotAllowedError'), 'prompt')).toBe('asked-closed');
});

it('takes a refusal of a browser that does not tell for a blocked site', () => {
  expect(mediaProblem(refusal('NotAllowedError'), 'unknown')).toBe('blocked-site');
});

it('sees that it was the operating system', () => {
  const chromium = refusal('NotAllowedError', 'Permission denied by system');
  expect(mediaProblem(chromium, 'granted')).toBe('blocked-os');
});

it('knows a missing device from a busy one', () => {
  expect(mediaProblem(refusal('NotFoundError'), 'granted')).toBe('no-device');
  expect(mediaProblem(refusal('NotReadableError'), 'granted')).toBe('busy');
  expect(mediaProblem(refusal('AbortError'), 'granted')).toBe('busy');
});

it('takes a missing interface for an insecure address', () => {
  expect(mediaProblem(new TypeError('undefined'), 'unknown')).toBe('insecure');
});
