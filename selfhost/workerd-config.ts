// The one writer of workerd's configuration: for production, for the single executable, for `npm start` and for every test.
//
// Two networks (docs/decisions/0028-two-networks.md). The global fetch gets the one for addresses that strangers choose; the binding
// OPERATOR_NETWORK is the one for addresses that the operator wrote. workerd compares the addresses that a name resolves to.

import { hash } from 'node:crypto'
import type { Cluster } from './cluster.ts'

/** The part of `wrangler.jsonc` that workerd needs. */
export interface WorkerConfig {
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
  readonly durableObjects: readonly { readonly binding: string; readonly className: string }[]
  /** Files that pages load: their text by name. Absent: none. */
  readonly assets?: Readonly<Record<string, string>>
}

/** What addresses that strangers choose may reach: a broker that is on this computer alone is asked for documents there. */
export type StrangersReach = 'public' | 'anything'

export interface WorkerdOptions {
  readonly worker: WorkerConfig
  /** The one ES module of the Worker, as a path relative to the configuration file. */
  readonly module: string
  /** Names of environment variables; their values are read when workerd starts, so no secret is written into a file. */
  readonly variables: readonly string[]
  /** Where clients are served. */
  readonly listeners: readonly Listener[]
  /** An address at which only whoever runs the process can ask, `unix:` and a path; absent: none. */
  readonly operations?: string
  /** The folder of the Durable Objects. */
  readonly disk: string
  readonly strangersReach: StrangersReach
  /** The other brokers that are one with this one; absent: none. Its key is written into the configuration: the runtime reads it nowhere else. */
  readonly cluster?: Pick<Cluster, 'bucket' | 'address' | 'advertise' | 'key'>
  /** Other Workers in the same process, for benchmarks that compare. */
  readonly neighbours?: readonly Neighbour[]
}

interface Listener {
  /** By which the command line may give another address. */
  readonly name: string
  /** `127.0.0.1:8788`, `*:8788`. */
  readonly address: string
  /** False: CF-Connecting-IP, by which strangers are counted, is taken away, for clients themselves may have written it. */
  readonly trustsProxy: boolean
}

export interface Neighbour {
  readonly name: string
  readonly port: number
  /** The text of its ES module. */
  readonly module: string
  /** Other modules that it imports: their text by name. */
  readonly imports?: Readonly<Record<string, string>>
  readonly durableObjects?: WorkerConfig['durableObjects']
}

/**
 * What no stranger's address may lead to besides workerd's own list of private networks, which lacks these: all that the registries
 * of special addresses (RFC 6890) hold, whatever carries an IPv4 address inside (NAT64, 6to4, Teredo, mapped), and Azure's host.
 */
const NEVER_FOR_STRANGERS: readonly string[] = `
  0.0.0.0/8 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 168.63.129.16/32
  ::/96 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fec0::/10`
  .trim()
  .split(/\s+/)

const text = JSON.stringify

export function workerdConfig(options: WorkerdOptions): string {
  const { worker, module, variables, listeners, operations, disk, strangersReach, cluster, neighbours = [] } = options
  const bindings = [
    ...variables.map((name) => `(name = ${text(name)}, fromEnvironment = ${text(name)})`),
    '(name = "OPERATOR_NETWORK", service = "operator-network")',
    '(name = "PAGE_ASSETS", service = "page-assets")',
  ]
  const services = [
    workerService('page-assets', { 'worker.js': text(ASSET_STORE) }, { ...worker, durableObjects: [] }, [filesOf(worker)]),
    workerService('broker', { 'worker.js': `embed ${text(module)}` }, worker, bindings),
    ...neighbours.map(({ name, module: code, imports = {}, durableObjects = [] }) => {
      const modules = Object.entries({ 'worker.js': code, ...imports }).map(([file, content]) => [file, text(content)])
      return workerService(name, Object.fromEntries(modules), { ...worker, durableObjects }, [])
    }),
    network(
      'internet',
      strangersReach === 'anything' ? ANYTHING : ['public'],
      strangersReach === 'anything' ? [] : NEVER_FOR_STRANGERS,
    ),
    network('operator-network', ANYTHING, []),
    `(name = "disk", disk = (path = ${text(disk)}, writable = true))`,
  ]
  const sockets = [
    ...listeners.map(({ name, address, trustsProxy }) =>
      socket(name, address, '"broker"', trustsProxy ? '' : 'injectRequestHeaders = [(name = "CF-Connecting-IP")]'),
    ),
    ...(operations === undefined ? [] : [socket('operations', operations, '(name = "broker", entrypoint = "Operations")')]),
    ...neighbours.map(({ name, port }) => socket(name, `127.0.0.1:${port}`, text(name))),
  ]
  return `# Written by selfhost/workerd-config.ts at every start.
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  logging = (structuredLogging = true),
  services = [
    ${services.join(',\n    ')}
  ],
  sockets = [${sockets.join(', ')}]${cluster ? `,\n  cluster = ${joined(cluster)}` : ''}
);
`
}

function joined({ bucket, address, advertise, key }: NonNullable<WorkerdOptions['cluster']>): string {
  const members = { bucket, address, ...(advertise !== undefined && { advertise }), key }
  return `(${Object.entries(members)
    .map(([name, value]) => `${name} = ${text(value)}`)
    .join(', ')})`
}

/** What `assets` of wrangler.jsonc is on Cloudflare: 200 with an ETag, 304 for who has the file, 404. */
const ASSET_STORE = `export default {
  fetch(request, { FILES }) {
    const name = new URL(request.url).pathname.slice(1)
    if (!Object.hasOwn(FILES, name)) return new Response(null, { status: 404 })
    const { body, tag } = FILES[name]
    const isKnown = request.headers.get('If-None-Match')?.includes(tag) === true
    return new Response(isKnown ? null : body, { status: isKnown ? 304 : 200, headers: { ETag: tag } })
  },
}`

function filesOf({ assets = {} }: WorkerConfig): string {
  const files = Object.entries(assets).map(([name, body]) => [name, { body, tag: `"${hash('sha256', body).slice(0, 32)}"` }])
  return `(name = "FILES", json = ${text(text(Object.fromEntries(files)))})`
}

/** `private` includes what is on this computer. */
const ANYTHING: readonly string[] = ['public', 'private']

function network(name: string, allow: readonly string[], deny: readonly string[]): string {
  const tls = 'tlsOptions = (trustBrowserCas = true)'
  return `(name = ${text(name)}, network = (allow = ${list(allow)}, deny = ${list(deny)}, ${tls}))`
}

function list(words: readonly string[]): string {
  return `[${words.map((word) => text(word)).join(', ')}]`
}

function socket(name: string, address: string, service: string, http = ''): string {
  return `(name = ${text(name)}, address = ${text(address)}, http = (${http}), service = ${service})`
}

/** The modules by name, the first of them is the Worker; each as the configuration spells its text. */
function workerService(
  name: string,
  modules: Readonly<Record<string, string>>,
  config: WorkerConfig,
  variables: readonly string[],
): string {
  const spelled = Object.entries(modules).map(([file, content]) => `(name = ${text(file)}, esModule = ${content})`)
  const objects = config.durableObjects.map(({ binding, className }) => ({
    binding: `(name = ${text(binding)}, durableObjectNamespace = ${text(className)})`,
    namespace: `(className = ${text(className)}, uniqueKey = ${text(className)}, enableSql = true)`,
  }))
  return `(name = ${text(name)}, worker = (
      modules = [${spelled.join(', ')}],
      compatibilityDate = ${text(config.compatibilityDate)},
      compatibilityFlags = ${list(config.compatibilityFlags)},
      bindings = [${[...objects.map(({ binding }) => binding), ...variables].join(', ')}],
      durableObjectNamespaces = [${objects.map(({ namespace }) => namespace).join(', ')}],
      durableObjectStorage = (localDisk = "disk")))`
}
