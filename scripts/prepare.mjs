/**
 * Makes a clone ready to run, and says nothing when it is: installs node_modules as the lock file has it, checks that the
 * pinned Node is the one that npm scripts get, and with `--test` that the Debian packages the tests need are there.
 *
 * Plain JavaScript with built-ins only: on a clean clone an older Node runs this before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
/** Written after everything else, so an interrupted install leaves none. */
const marker = join(modules, '.vitrine-installed');
const pinnedNode = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.node;
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform} ${process.arch} node ${pinnedNode}`)
  .digest('hex');

/** Debian package → a command of it that tests run. */
const testPackages = { bzip2: 'bzip2', chromium: 'chromium', git: 'git', 'xz-utils': 'xz' };

/** @param {string} line */
function say(line) {
  process.stderr.write(`prepare: ${line}\n`);
}

/** @param {string} line @returns {never} */
function fail(line) {
  say(line);
  process.exit(1);
}

/** @param {string} path */
function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

function isInstalled() {
  const left = readIfThere(marker);
  if (left === undefined || installedNode() !== pinnedNode) return false;
  if (left === wanted) return true;
  if (!agreesWithLock()) return false;
  writeFileSync(marker, `${wanted}\n`);
  return true;
}

/**
 * Whether npm's own record of a finished install names what the lock file names: so it is after `npm install NAME`,
 * and nothing has to be installed again.
 */
function agreesWithLock() {
  const record = readIfThere(join(modules, '.package-lock.json'));
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages;
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(locked).every(
    ([path, entry]) =>
      !path.startsWith('node_modules/') ||
      (installed[path] === undefined
        ? entry.optional === true
        : installed[path].integrity === entry.integrity),
  );
}

/** The version of the Node that npm scripts run, without its `v`. */
function installedNode() {
  const result = spawnSync(join(modules, '.bin', 'node'), ['-v'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim().slice(1) : undefined;
}

/** @param {string[]} args */
function npm(args) {
  // Not the Node in node_modules: `npm ci` deletes it while it runs.
  const outside = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter);
  const launcher = process.env.npm_node_execpath;
  const script = process.env.npm_execpath;
  const launchedByNpm = launcher !== undefined && script !== undefined && !launcher.startsWith(modules);
  const command = launchedByNpm ? launcher : 'npm';
  const result = spawnSync(command, launchedByNpm ? [script, ...args] : args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, PATH: outside },
  });
  if (result.error) fail(`cannot run npm: ${result.error.message}. Install npm 10 or newer.`);
  if (result.signal) fail(`npm ${args[0]} was ended by ${result.signal}. Run the command again to go on.`);
  return result.status === 0;
}

function install() {
  say('installing the packages of package-lock.json (npm ci; about a minute on a slow line) …');
  rmSync(marker, { force: true });
  if (!npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'])) {
    fail(
      'npm ci failed; the reason stands above. Nothing is half done: run the command again once it is mended.',
    );
  }
  if (installedNode() !== pinnedNode) {
    say(
      `Node ${pinnedNode} was not put in place (install scripts are switched off?); asking npm for it once more …`,
    );
    npm(['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts', '--loglevel=error']);
  }
  const found = installedNode();
  if (found !== pinnedNode) {
    fail(
      `node_modules/.bin/node is ${found ?? 'missing'}, but Vitrine runs on ${pinnedNode}. ` +
        'Its package puts it there in an install script: run `npm config get ignore-scripts`, set it to false for this ' +
        'folder (`npm config set ignore-scripts false --location project`), and run the command again.',
    );
  }
  writeFileSync(marker, `${wanted}\n`);
  say(`ready, on Node ${found}.`);
}

/**
 * Runs `work` while no other process prepares this clone: two npm ci at once destroy each other's files.
 * @param {() => void} work
 */
function alone(work) {
  const lock = join(root, '.vitrine', 'prepare.lock');
  mkdirSync(join(root, '.vitrine'), { recursive: true });
  let waiting = false;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = Number(readIfThere(lock));
      if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true });
      else if (!waiting) {
        waiting = true;
        say(`another process (${holder}) prepares this folder; waiting for it …`);
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  process.on('exit', () => rmSync(lock, { force: true }));
  work();
  rmSync(lock, { force: true });
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** @param {string} command */
function isOnPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

function installTestPackages() {
  const missing = () =>
    Object.keys(testPackages).filter(
      (name) => !isOnPath(testPackages[/** @type {keyof typeof testPackages} */ (name)]),
    );
  const names = missing();
  if (names.length === 0) return;
  const line = `apt-get install --yes --no-install-recommends ${names.join(' ')}`;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    fail(`the tests need ${names.join(', ')}. As root: ${line}`);
  }
  say(`the tests need ${names.join(', ')}: ${line} …`);
  const apt = (/** @type {string[]} */ args) =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  const installArguments = ['-qq', 'install', '--yes', '--no-install-recommends', ...names];
  // The first try fails at once where the package lists are missing or old.
  if (!apt(installArguments)) {
    apt(['-qq', 'update']);
    apt(installArguments);
  }
  const left = missing();
  if (left.length > 0)
    fail(`could not install ${left.join(', ')}; the reason stands above. Install by hand, then run again.`);
}

const major = Number(process.versions.node.split('.')[0]);
if (major < 20)
  fail(
    `this is Node ${process.version}; npm must be started by Node 20 or newer (it then brings ${pinnedNode}).`,
  );
if (!isInstalled()) alone(() => isInstalled() || install());
if (process.argv.includes('--test')) installTestPackages();
