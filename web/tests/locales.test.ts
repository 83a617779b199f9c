import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, type AST } from 'svelte/compiler';
import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../src/core/problem';
import de from '../locales/de.json';
import en from '../locales/en.json';

const SRC = join(import.meta.dirname, '../src');
/** Attributes whose value somebody reads or hears. */
const SPOKEN = ['aria-label', 'aria-description', 'title', 'placeholder', 'alt', 'label', 'word'];
const DEVICE_PROBLEMS = ['blocked-site', 'blocked-os', 'asked-closed', 'no-device', 'busy'];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.(svelte|ts)$/u.test(file),
);
const components = files.filter((file) => file.endsWith('.svelte'));
const read = (file: string) => readFileSync(join(SRC, file), 'utf8');

function places(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/gu)].map((match) => match[1] ?? '').sort();
}

describe('the locales', () => {
  it('have the same keys, in the same order', () => {
    expect(Object.keys(de)).toEqual(Object.keys(en));
  });

  it('have no empty text, and the same places to fill', () => {
    const german: Record<string, string> = de;
    for (const [key, text] of Object.entries(en)) {
      expect(german[key], key).toMatch(/\S/u);
      expect(places(german[key] ?? ''), key).toEqual(places(text));
    }
  });

  it('have every plural form that their language needs', () => {
    for (const [language, texts] of Object.entries({ en, de })) {
      const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
      const keys = Object.keys(texts);
      for (const key of keys.filter((one) => one.endsWith('.other'))) {
        for (const form of forms) expect(keys).toContain(key.replace(/other$/u, form));
      }
    }
  });

  it('have a title for every problem, of at most eight words', () => {
    const texts: Record<string, string> = en;
    for (const problem of PROBLEMS) {
      const ends = DEVICE_PROBLEMS.includes(problem)
        ? ['title.camera', 'title.microphone', 'title.both', 'do']
        : ['title', 'means'];
      for (const end of ends) expect(texts, problem).toHaveProperty([`problem.${problem}.${end}`]);
      const title =
        texts[`problem.${problem}.title`] ?? texts[`problem.${problem}.title.both`] ?? '';
      expect(title.split(' ').length, title).toBeLessThanOrEqual(8);
    }
  });

  it('have no key that nobody uses', () => {
    const sources = files.map(read).join('\n');
    // Keys that are put together from parts are found by what stands before the part.
    const built = [...sources.matchAll(/`([a-z.-]+\.)\$\{/gu)].map((match) => match[1] ?? '');
    const unused = Object.keys(en).filter((key) => {
      const base = key.replace(/\.(one|other)$/u, '');
      const named = sources.includes(`'${base}'`);
      return !named && !built.some((start) => key.startsWith(start));
    });
    expect(unused).toEqual([]);
  });

  it('say neither "oops" nor "error", and do not shout', () => {
    for (const text of [...Object.values(en), ...Object.values(de)]) {
      expect(text).not.toMatch(/oops|error|fehler|!/iu);
    }
  });
});

describe('components', () => {
  it.each(components)('%s has no text outside the locales', (file) => {
    const found: string[] = [];
    walk(parse(read(file), { modern: true }).fragment, found);
    expect(found).toEqual([]);
  });
});

function walk(node: unknown, found: string[]): void {
  if (Array.isArray(node)) {
    for (const one of node) walk(one, found);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const { type } = node as { type?: string };
  if (type === 'Text' && /\p{L}/u.test((node as AST.Text).data)) {
    found.push((node as AST.Text).data.trim());
  }
  if (type === 'StyleDirective') return;
  if (type === 'Attribute') {
    const attribute = node as AST.Attribute;
    if (SPOKEN.includes(attribute.name)) walk(attribute.value, found);
    return;
  }
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'parent') walk(value, found);
  }
}
