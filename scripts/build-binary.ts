// npm run build:binary: the broker as one executable with workerd in it, which needs neither Node.js nor npm where it runs.
//
// The configuration is inside, the values are not: settings are read from the environment at every start. A secret that a list refers to
// by a name of the operator's own ("client_secret": "$GOOGLE_SECRET") has to be named here: --variable GOOGLE_SECRET.
// --cluster: three files instead, the runtime, the Worker and a configuration; selfhost/run writes the bucket and the key of the nodes
// into it, which the runtime takes from nowhere else.
import { spawnSync } from 'node:child_process'
import { chmodSync, closeSync, copyFileSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleWorker, ROOT } from '../selfhost/bundle.ts'
import { SETTINGS } from '../selfhost/options.ts'
import { workerdProgram } from '../selfhost/supervisor.ts'
import { workerdConfig } from '../selfhost/workerd-config.ts'

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(ROOT, 'dist/mcp-session-broker') },
    variable: { type: 'string', multiple: true, default: [] },
    cluster: { type: 'boolean', default: false },
  },
})
const out = resolve(values.out)
await mkdir(dirname(out), { recursive: true })

const { file, config: worker } = await bundleWorker()
// selfhost/run gives other addresses and another folder, and leaves one of the two listeners to nobody; these are the container's.
const listeners = [
  { name: 'broker', address: '*:8788', trustsProxy: false },
  { name: 'proxied', address: 'unix:/data/unused.sock', trustsProxy: true },
]
const [operations, disk] = ['127.0.0.1:8787', '/data/durable-objects']
const variables = [...SETTINGS, ...values.variable]
const known = { worker, variables, listeners, operations, disk, strangersReach: 'public' } as const
if (values.cluster) {
  copyFileSync(workerdProgram(), out)
  copyFileSync(file, `${out}.js`)
  // The command line gives the addresses.
  const cluster = { bucket: '@CLUSTER_BUCKET@', address: '127.0.0.1:0', key: '@CLUSTER_KEY@' }
  writeFileSync(`${out}.capnp`, workerdConfig({ ...known, module: 'worker.js', cluster }))
} else {
  const folder = mkdtempSync(join(tmpdir(), 'build-binary-'))
  const config = join(folder, 'broker.capnp')
  writeFileSync(config, workerdConfig({ ...known, module: relative(folder, file) }))
  const target = openSync(out, 'w')
  const compiled = spawnSync(workerdProgram(), ['compile', config], { stdio: ['ignore', target, 'inherit'] })
  closeSync(target)
  rmSync(folder, { recursive: true })
  // Left by a build for a cluster, these would make selfhost/run take this executable for a node.
  for (const rest of ['.js', '.capnp']) rmSync(out + rest, { force: true })
  if (compiled.status !== 0) {
    rmSync(out)
    console.error('workerd could not compile the configuration.')
    process.exit(1)
  }
}
chmodSync(out, 0o755)
console.log(`${relative(process.cwd(), out)}  ${(statSync(out).size / 1024 / 1024).toFixed(0)} MiB`)
