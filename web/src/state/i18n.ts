import de from '../../locales/de.json';
import en from '../../locales/en.json';
import { choose, fill, type Texts, type Values } from '../core/i18n';
import { MEDIA_KINDS, type MediaKind } from '../core/devices/kinds';
import type { Problem } from '../core/problem';

/** A key of the locales. */
export type Key = keyof typeof en;
/** A key that has one text per plural form. */
export type PluralKey = Key extends infer K
  ? K extends `${infer Base}.other`
    ? Base
    : never
  : never;

const LOCALES: Readonly<Record<string, Texts<Key>>> = { en, de };

/** The language of the page: the first of the browser's that we speak. */
export const language = choose(globalThis.navigator?.languages ?? [], Object.keys(LOCALES), 'en');

const texts = LOCALES[language] ?? en;
const plurals = new Intl.PluralRules(language);
const list = new Intl.ListFormat(language);
const clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });

/** The text of a key in the language of the page. */
export function t(key: Key, values?: Values): string {
  return fill(texts[key], values);
}

/** The text of a key in the plural form that `count` needs. */
export function plural(key: PluralKey, count: number, values?: Values): string {
  const form = `${key}.${plurals.select(count)}`;
  const known = form in texts ? (form as Key) : (`${key}.other` as Key);
  return t(known, { count, ...values });
}

/** Names, joined as the language joins them. */
export function names(all: readonly string[]): string {
  return list.format(all);
}

/** The time of day of a Unix time in ms. */
export function timeOf(at: number): string {
  return clock.format(at);
}

/** What a problem is called, what it means, and what helps. */
export interface ProblemText {
  title: string;
  means: string;
  help: string;
}

/** The words for a problem; with the devices that have it, if it is one of devices. */
export function problemText(problem: Problem, kinds: readonly MediaKind[] = []): ProblemText {
  const which = kinds.length === MEDIA_KINDS.length ? 'both' : kinds[0];
  switch (problem) {
    case 'blocked-site':
    case 'blocked-os':
    case 'asked-closed':
    case 'no-device':
    case 'busy':
      return {
        title: t(`problem.${problem}.title.${which ?? 'both'}`),
        means: t(`problem.means.${which ?? 'both'}`),
        help: t(`problem.${problem}.do`),
      };
    default:
      return {
        title: t(`problem.${problem}.title`),
        means: t(`problem.${problem}.means`),
        help: '',
      };
  }
}
