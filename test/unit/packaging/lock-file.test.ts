// package-lock.json is complete for every platform and says nothing about where it was made; installing never changes it.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../world/bundle.ts'
import { fixture } from '../../world/fixture.ts'

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const text = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
const packages: Readonly<Record<string, LockedPackage>> = JSON.parse(text).packages
const manifest: { readonly allowScripts: Readonly<Record<string, boolean>> } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
)
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** As Node.js looks for it: below the package itself, then beside it and in every folder above. */
function isLocked(name: string, from: string): boolean {
  const folders = from.split(/(?:^|\/)node_modules\//)
  return folders.some((_, depth) => {
    const at = folders.slice(1, folders.length - depth).flatMap((folder) => ['node_modules', folder])
    return packages[[...at, 'node_modules', name].join('/')] !== undefined
  })
}

describe('the lock file', () => {
  test('has the packages of every platform, not only of the one it was made on', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).flatMap((name) => (isLocked(name, path) ? [] : [`${name} for ${path}`])),
    )
    expect(missing).toEqual([])
    for (const name of ['workerd-darwin-arm64', 'workerd-linux-arm64', 'workerd-linux-64', 'workerd-windows-64'])
      expect(packages).toHaveProperty([`node_modules/@cloudflare/${name}`])
  })

  test('names no host: whoever installs uses the registry they are told to use', () => {
    expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })

  test('says what every package must be', () => {
    const unproven = Object.entries(packages).filter(([path, { integrity, link }]) => path !== '' && !integrity && !link)
    expect(unproven).toEqual([])
  })

  test('has one workerd, and its programs in the same version', () => {
    const versions = Object.entries(packages).flatMap(([path, { version }]) =>
      /^workerd$|^@cloudflare\/workerd-/.test(nameOf(path)) ? [version] : [],
    )
    expect(versions.length).toBeGreaterThan(5)
    expect(new Set(versions).size).toBe(1)
  })

  test('has no install script that package.json does not decide about', () => {
    const withScripts = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript ? [nameOf(path)] : [],
    )
    expect([...new Set(withScripts)].toSorted()).toEqual(Object.keys(manifest.allowScripts).toSorted())
  })
})

describe('what runs before npm start and npm test', () => {
  const the = fixture((_, onEnd) => {
    const project = mkdtempSync(join(tmpdir(), 'broker-install-'))
    onEnd(() => rmSync(project, { recursive: true }))
    mkdirSync(join(project, 'scripts'))
    cpSync(join(ROOT, 'scripts/ensure-installed.mjs'), join(project, 'scripts/ensure-installed.mjs'))
    writeFileSync(join(project, 'package-lock.json'), 'the lock')
    // An npm that writes down what it was asked, and leaves what npm leaves.
    writeFileSync(
      join(project, 'npm.cjs'),
      `const { mkdirSync, writeFileSync } = require('node:fs')
       mkdirSync('node_modules', { recursive: true })
       writeFileSync('node_modules/.package-lock.json', '{}')
       writeFileSync('asked.json', JSON.stringify(process.argv.slice(2)))
       if (process.env.NPM_FAILS) { console.error('npm error network'); process.exit(1) }`,
    )
    return { project }
  })

  function run(more: Readonly<Record<string, string>> = {}) {
    rmSync(join(the.project, 'asked.json'), { force: true })
    const env = { ...process.env, npm_execpath: join(the.project, 'npm.cjs'), ...more }
    const { status, stderr } = spawnSync(process.execPath, ['scripts/ensure-installed.mjs'], {
      cwd: the.project,
      env,
      encoding: 'utf8',
    })
    const asked: unknown =
      existsSync(join(the.project, 'asked.json')) && JSON.parse(readFileSync(join(the.project, 'asked.json'), 'utf8'))
    return { status, stderr, asked, lock: readFileSync(join(the.project, 'package-lock.json'), 'utf8') }
  }

  test('installs what the lock file says, which it never writes; once, and again when that changes', () => {
    const installs = { status: 0, asked: ['ci', '--no-audit', '--no-fund', '--loglevel=error'], lock: 'the lock' }
    expect(run()).toMatchObject(installs)
    expect(run()).toMatchObject({ status: 0, asked: false })
    const later = new Date(Date.now() + 5_000)
    utimesSync(join(the.project, 'package-lock.json'), later, later)
    expect(run()).toMatchObject(installs)
  })

  test('says what npm said when it fails', () => {
    const later = new Date(Date.now() + 60_000)
    utimesSync(join(the.project, 'package-lock.json'), later, later)
    const { status, stderr } = run({ NPM_FAILS: '1' })
    expect(status).toBe(1)
    expect(stderr).toContain('npm error network')
    expect(stderr).toContain('then run npm start again')
  })
})
