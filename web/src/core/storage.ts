/**
 * What this browser remembers. Storage may be forbidden, full or shared with other versions of the
 * page: reading then finds nothing, writing does nothing, and everything works for as long as the
 * page lives.
 */
export interface Memory {
  read(key: string): string | null;
  write(key: string, value: string | null): void;
}

/** Remembers across visits. */
export const lasting = (): Memory => memoryOver(() => localStorage);
/** Remembers within one tab, across reloads. */
export const ofTab = (): Memory => memoryOver(() => sessionStorage);

/** @param open gives the storage, or throws where the browser forbids it. */
export function memoryOver(open: () => Storage): Memory {
  return {
    read(key) {
      try {
        return open().getItem(PREFIX + key);
      } catch {
        return null;
      }
    },
    write(key, value) {
      try {
        if (value === null) open().removeItem(PREFIX + key);
        else open().setItem(PREFIX + key, value);
      } catch {
        // Forgetting is all that can be done.
      }
    },
  };
}

const PREFIX = 'visavis.';
