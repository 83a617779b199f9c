// The table SDK x capability, against any LiveKit server:
//
//   node tests/table.mjs --url ws://127.0.0.1:7880 --key devkey --secret secret
//
// Without --url it starts the built server. --sdk python,node,browser,
// --mode single,dual and --only TEXT (part of a capability's name) narrow it.
// Results are JSON lines on stderr as they come, and a Markdown table on stdout
// at the end. The exit code is 1 when a cell fails.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ProcessActor } from './lib/actor.mjs';
import { close, launch, PageActor, servePage } from './lib/browsers.mjs';
import { startServer } from './lib/server.mjs';
import { CAPABILITIES, play } from './sdk/capabilities.mjs';
import { Stage } from './sdk/stage.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Who plays with whom: media always crosses from one SDK to another. */
const PARTNERS = { python: 'browser', node: 'python', browser: 'python' };
/** Verbs that an SDK's public interface doesn't have. */
const LACKS = { node: ['mute'] };

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    key: { type: 'string' },
    secret: { type: 'string' },
    sdk: { type: 'string', default: 'python,node,browser' },
    mode: { type: 'string', default: 'single,dual' },
    only: { type: 'string', default: '' },
  },
});

async function startActors(sdks) {
  const stops = [];
  const starts = {
    python: () => new ProcessActor('python', at('.venv/bin/python'), [at('sdk/python_driver.py')]),
    node: () => new ProcessActor('node', process.execPath, [at('sdk/node_driver.mjs')]),
    browser: async () => {
      const [page, chromium] = await Promise.all([servePage(), launch('chromium')]);
      stops.push(() => page.close(), () => close(chromium));
      return PageActor.open(chromium, page.url, 'browser');
    },
  };
  const actors = {};
  for (const sdk of sdks) {
    actors[sdk] = await starts[sdk]();
    stops.unshift(() => actors[sdk].stop());
  }
  return { actors, stop: async () => { for (const stop of stops) await stop(); } };
}

/** One line of an error, without the tokens that SDKs put into it. */
const brief = ({ message }) =>
  message.replace(/\s+/g, ' ').replace(/eyJ[\w.-]+/g, 'TOKEN').slice(0, 200);

async function playCell(stage, sdk, capability) {
  if (capability.verbs?.some((verb) => LACKS[sdk]?.includes(verb))) return { result: 'n/a' };
  const start = performance.now();
  try {
    await play(capability, stage);
    return { result: 'pass', ms: Math.round(performance.now() - start) };
  } catch (error) {
    await stage.reset();
    return { result: 'fail', ms: Math.round(performance.now() - start), error: brief(error) };
  }
}

async function playColumn(server, actors, sdk, mode) {
  const stage = new Stage(server, actors[sdk], actors[PARTNERS[sdk]], mode);
  const cells = new Map();
  for (const capability of CAPABILITIES.filter(({ name }) => name.includes(options.only))) {
    const cell = await playCell(stage, sdk, capability);
    cells.set(capability.name, cell);
    console.error(JSON.stringify({ sdk, mode, capability: capability.name, ...cell }));
  }
  await stage.reset();
  return { title: `${sdk} ${mode}`, cells };
}

const MARKS = { pass: '✓', fail: '✗', 'n/a': '–' };

function printTable(columns) {
  const row = (cells) => console.log(`| ${cells.join(' | ')} |`);
  row(['capability', ...columns.map(({ title }) => title)]);
  row(['---', ...columns.map(() => ':-:')]);
  for (const name of columns[0].cells.keys()) {
    row([name, ...columns.map(({ cells }) => MARKS[cells.get(name).result])]);
  }
  console.log('\n✓ passes, ✗ fails, – the SDK has no such call');
  for (const { title, cells } of columns) {
    for (const [name, { result, error }] of cells) {
      if (result === 'fail') console.log(`- ${title}, ${name}: ${error}`);
    }
  }
}

async function main() {
  const start = performance.now();
  const sdks = options.sdk.split(',');
  const server = options.url
    ? { url: options.url, key: options.key, secret: options.secret, stop: async () => {} }
    : await startServer();
  const needed = new Set([...sdks, ...sdks.map((sdk) => PARTNERS[sdk])]);
  let running;
  const columns = [];
  try {
    running = await startActors(needed);
    for (const sdk of sdks) {
      for (const mode of options.mode.split(',')) columns.push(await playColumn(server, running.actors, sdk, mode));
    }
  } finally {
    await running?.stop();
    await server.stop();
  }
  printTable(columns);
  console.error(`done in ${Math.round((performance.now() - start) / 1000)} s`);
  const failed = columns.some(({ cells }) => [...cells.values()].some(({ result }) => result === 'fail'));
  process.exit(failed ? 1 : 0);
}

await main();
