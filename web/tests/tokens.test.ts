import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const tokens = readFileSync(join(ROOT, 'src/styles/tokens.css'), 'utf8');
const components = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.svelte'),
);

function styleOf(file: string): string {
  const source = readFileSync(join(ROOT, 'src', file), 'utf8');
  const style = /<style>([\s\S]*)<\/style>/u.exec(source)?.[1] ?? '';
  return style.replace(/\/\*[\s\S]*?\*\//gu, '');
}

describe.each(components)('%s', (file) => {
  const style = styleOf(file);

  it('has no colour of its own', () => {
    expect(style).not.toMatch(/#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch|lab|lch|hwb|color)a?\(/iu);
    const named = /:[^;]*\b(white|black|red|green|blue|gr[ae]y|silver)\b/iu;
    expect(style.replace(/var\([^)]*\)/gu, '')).not.toMatch(named);
  });

  it('has no font size in px and no layer of its own', () => {
    expect(style).not.toMatch(/font(-size)?:[^;]*\dpx/u);
    expect(style).not.toMatch(/z-index:\s*-?\d/u);
  });

  it('uses only tokens that there are, or values that it sets itself', () => {
    const own = /^--(level|tile-width|tile-height|grid-gap|row-width)$/u;
    for (const [, name = ''] of style.matchAll(/var\((--[\w-]+)/gu)) {
      if (!own.test(name)) expect(tokens, name).toContain(`${name}:`);
    }
  });

  it('knows start and end, not left and right', () => {
    expect(style).not.toMatch(/\b(margin|padding|border|inset)-(left|right)|^\s*(left|right):/mu);
    expect(style).not.toMatch(/text-align:\s*(left|right)/u);
  });

  it('has no style attribute in its markup, which the security policy would refuse', () => {
    const source = readFileSync(join(ROOT, 'src', file), 'utf8');
    expect(source).not.toMatch(/\sstyle="/u);
  });
});

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string): number {
  const channel = (at: number) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function theme(block: string): (name: string) => string {
  return (name) => new RegExp(`--${name}: (#[0-9a-f]{6});`, 'u').exec(block)?.[1] ?? `no ${name}`;
}

describe.each([
  ['light', theme(tokens.slice(0, tokens.indexOf('@media')))],
  ['dark', theme(tokens.slice(tokens.indexOf("[data-theme='dark']")))],
])('the %s colours', (_, colour) => {
  it('can be read on every ground', () => {
    for (const ground of ['bg', 'surface', 'raised']) {
      for (const text of ['ink', 'ink-2', 'accent', 'danger-text', 'warn', 'ok']) {
        expect(contrast(colour(text), colour(ground)), `${text} on ${ground}`).toBeGreaterThan(4.5);
      }
      expect(contrast(colour('border'), colour(ground)), `border on ${ground}`).toBeGreaterThan(3);
    }
    expect(contrast(colour('on-accent'), colour('accent'))).toBeGreaterThan(4.5);
  });
});

it('the avatars can be read', () => {
  const colour = theme(tokens);
  for (let hue = 0; hue < 8; hue++) {
    expect(contrast(colour('on-hue'), colour(`hue-${hue}`)), `hue ${hue}`).toBeGreaterThan(4.5);
  }
});
