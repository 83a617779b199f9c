// Brings what the tests need: npm packages, a Python environment in tests/.venv,
// and from Debian Chromium, Firefox and a sound server. What is there and up to
// date is left alone, so it may be called before every run. Packages of the
// system are installed only as root; otherwise it says what to install and fails.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const OLDEST_PYTHON = [3, 9];

const SYSTEM = {
  chromium: ['/usr/bin/chromium', process.env.VISAVIS_TEST_CHROMIUM],
  'firefox-esr': ['/usr/bin/firefox-esr', '/usr/bin/firefox', process.env.VISAVIS_TEST_FIREFOX],
  pulseaudio: ['/usr/bin/pulseaudio'],
};

class Missing extends Error {}

function run(command, args, options = {}) {
  console.error(`setup: ${command} ${args.join(' ')}`);
  try {
    execFileSync(command, args, { stdio: ['ignore', 2, 2], cwd: at('.'), ...options });
  } catch (error) {
    throw new Missing(`${command} ${args.join(' ')} failed: ${error.message}`);
  }
}

/** Runs `install` unless `stamp` says that it was run for the present content of `source`. */
function onceFor(source, stamp, install) {
  const digest = createHash('sha256').update(readFileSync(at(source))).digest('hex');
  if (existsSync(at(stamp)) && readFileSync(at(stamp), 'utf8') === digest) return;
  install();
  mkdirSync(dirname(at(stamp)), { recursive: true });
  writeFileSync(at(stamp), digest);
}

function python() {
  const python3 = process.env.PYTHON ?? 'python3';
  const print = 'import sys, ensurepip; print(*sys.version_info[:2])';
  let version;
  try {
    version = execFileSync(python3, ['-c', print], { encoding: 'utf8' }).trim().split(' ').map(Number);
  } catch {
    throw new Missing('Python 3 with venv is needed: apt-get install python3 python3-venv');
  }
  if (version[0] !== OLDEST_PYTHON[0] || version[1] < OLDEST_PYTHON[1]) {
    throw new Missing(`Python ${OLDEST_PYTHON.join('.')} or newer is needed, ${python3} is ${version.join('.')}`);
  }
  onceFor('requirements.txt', '.venv/.installed', () => {
    run(python3, ['-m', 'venv', '--clear', at('.venv')]);
    run(at('.venv/bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', at('requirements.txt')]);
  });
}

function npm() {
  onceFor('package-lock.json', 'node_modules/.installed', () => run('npm', ['ci', '--no-audit', '--no-fund']));
}

function system() {
  const missing = Object.entries(SYSTEM)
    .filter(([, paths]) => !paths.some((path) => path && existsSync(path)))
    .map(([name]) => name);
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Missing(`the tests need ${missing.join(', ')}; as root: ${command}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '--quiet'], { env });
  run('apt-get', ['install', '--quiet', '--yes', '--no-install-recommends', ...missing], { env });
}

try {
  system();
  npm();
  python();
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.error(`setup: ${error.message}`);
  process.exit(1);
}
