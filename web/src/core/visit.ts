import type { DeviceChoices } from './devices/kinds';
import type { Memory } from './storage';

/** What a tab knows of its visit to one room. */
export interface Visit {
  /** Shown to the server again, it gives the same identity. */
  session: string | null;
  /** Whether this tab is inside: then a reload goes straight back. */
  inside: boolean;
  name: string;
}

const NOBODY: Visit = { session: null, inside: false, name: '' };
const AS_FIRST: DeviceChoices = {
  microphone: { on: true, id: null },
  camera: { on: true, id: null },
};

/** The visits of this tab and the habits of this browser. */
export class Visits {
  readonly #tab: Memory;
  readonly #lasting: Memory;

  constructor(tab: Memory, lasting: Memory) {
    this.#tab = tab;
    this.#lasting = lasting;
  }

  visit(room: string): Visit {
    const read = parse(this.#tab.read(visitKey(room)));
    return {
      session: typeof read['session'] === 'string' ? read['session'] : NOBODY.session,
      inside: read['inside'] === true,
      name: typeof read['name'] === 'string' ? read['name'] : NOBODY.name,
    };
  }

  keepVisit(room: string, visit: Visit): void {
    this.#tab.write(visitKey(room), JSON.stringify(visit));
  }

  /** The name that was used last. */
  name(): string {
    return this.#lasting.read('name') ?? '';
  }

  keepName(name: string): void {
    this.#lasting.write('name', name);
  }

  /** The devices as they were last, in this tab or else in this browser. */
  devices(): DeviceChoices {
    const read = parse(this.#tab.read('devices') ?? this.#lasting.read('devices'));
    return {
      microphone: choice(read['microphone'], AS_FIRST.microphone),
      camera: choice(read['camera'], AS_FIRST.camera),
    };
  }

  keepDevices(choices: DeviceChoices): void {
    const text = JSON.stringify(choices);
    this.#tab.write('devices', text);
    this.#lasting.write('devices', text);
  }
}

function visitKey(room: string): string {
  return `visit.${room}`;
}

/** Storage is shared with other versions of the page: what is not as expected is not there. */
function parse(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function choice(value: unknown, otherwise: { on: boolean; id: string | null }) {
  if (typeof value !== 'object' || value === null) return { ...otherwise };
  const on = 'on' in value && typeof value.on === 'boolean' ? value.on : otherwise.on;
  const id = 'id' in value && typeof value.id === 'string' ? value.id : null;
  return { on, id };
}
