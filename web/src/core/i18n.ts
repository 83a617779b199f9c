/** The texts of one language, by key. */
export type Texts<Key extends string = string> = Readonly<Record<Key, string>>;

/** What is filled into the `{name}` places of a text. */
export type Values = Readonly<Record<string, string | number>>;

/** The text with its places filled; a place without a value stays as it is. */
export function fill(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/gu, (place, name: string) => String(values[name] ?? place));
}

/** The first wanted language that there is, by its first part (`de` for `de-AT`), or the fallback. */
export function choose(
  wanted: readonly string[],
  there: readonly string[],
  fallback: string,
): string {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0];
    if (language !== undefined && there.includes(language)) return language;
  }
  return fallback;
}
