/** A piece of a chat line: plain text, or an address somebody may open. */
export interface Segment {
  text: string;
  /** Set for links only: an http or https address. */
  href?: string;
}

const ADDRESS = /https?:\/\/[^\s<>"']+/giu;
/** Marks that end a sentence rather than an address. */
const TRAILING = /[.,;:!?)\]}»”’]+$/u;

/** Finds the addresses in a line of text. Nothing but http and https becomes a link. */
export function segments(text: string): Segment[] {
  const found: Segment[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    if (!URL.canParse(address)) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: address, href: new URL(address).href });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

/** A closing bracket belongs to the address when its opening one does, as in `…/Set_(game)`. */
function trimmed(address: string): string {
  const cut = address.replace(TRAILING, '');
  const rest = address.slice(cut.length);
  return rest.startsWith(')') && cut.includes('(') ? `${cut})` : cut;
}
