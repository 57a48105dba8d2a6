// Makes sure the dependencies of package-lock.json are there, so that `npm start` is the only command a newcomer needs; with the name of a
// folder those of its own lock file, as `npm run docs` asks for.
// Runs before there is a node_modules, on whatever Node.js the machine has (20 or newer): plain JavaScript, nothing imported from npm.
import { spawnSync } from 'node:child_process'
import { statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = process.argv[2] ?? '.'
const root = join(dirname(dirname(fileURLToPath(import.meta.url))), folder)
const lock = join(root, 'package-lock.json')
// npm rewrites this file at the end of every install; with an older date than the lock, the install is missing or stale.
const installed = join(root, 'node_modules', '.package-lock.json')

if (changed(installed) < changed(lock)) install()

function install() {
  const what = folder === '.' ? 'MCP Session Broker' : `the site in ${folder}/`
  console.log(`Installing the dependencies of ${what}; this happens once and takes about a minute.`)
  // npm ci and not npm install: it never writes the lock file, whatever the npm of this machine would like to add to it.
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  // npm says where it is itself; without that, Windows finds its npm.cmd through a shell alone.
  const npm = process.env.npm_execpath
  const { status, error, stdout, stderr } = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, encoding: 'utf8' })
    : spawnSync('npm', args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' })
  if (status !== 0) {
    console.error(error?.message ?? `${stdout}${stderr}`)
    console.error(
      `The dependencies could not be installed: see npm's message above, then run npm ${folder === '.' ? 'start' : 'run docs'} again.`,
    )
    process.exit(1)
  }
  // When nothing had to change npm leaves its file alone, and the next start would install again.
  const now = new Date()
  utimesSync(installed, now, now)
}

/** @param {string} file */
function changed(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
