// What a page costs to load, gzip, against its budget (the size somebody on a train waits for).
// Run after `npm run build`. Fails when a budget is passed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = join(import.meta.dirname, '../dist');
const KB = 1024;

if (!existsSync(join(DIST, 'index.html'))) {
  console.log('web/dist is not there: run `npm run build` first');
  process.exit(1);
}
const html = readFileSync(join(DIST, 'index.html'), 'utf8');
const assets = readdirSync(join(DIST, 'assets'));
const size = (file) => gzipSync(readFileSync(join(DIST, file)), { level: 9 }).length;
const sum = (files) => files.reduce((total, file) => total + size(`assets/${file}`), 0);
const scripts = assets.filter((file) => file.endsWith('.js'));

const rows = [
  ['HTML', size('index.html'), 4],
  ['CSS, all pages', sum(assets.filter((file) => file.endsWith('.css'))), 20],
  ['JavaScript, home', sum(scripts.filter((file) => html.includes(file))), 45],
  ['JavaScript, meeting in all', sum(scripts), 240],
];

let passed = false;
for (const [what, bytes, budget] of rows) {
  const over = bytes > budget * KB;
  passed ||= over;
  const line = `${(bytes / KB).toFixed(1).padStart(7)} of ${String(budget).padStart(3)} KB  ${what}`;
  console.log(over ? `${line}  OVER` : line);
}
if (/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/u.test(html)) {
  console.log('index.html has inline script or style, which the security policy refuses');
  passed = true;
}
process.exit(passed ? 1 : 0);
