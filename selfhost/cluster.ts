// Several brokers that are one: what the operator wrote about the cluster, read strictly. EXPERIMENTAL (docs/cluster.md says what that means).
//
// workerd does the work: the objects' storage is in a bucket, each object has one owner among the nodes, and the others ask the owner.
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import type { Given, OptionProblem } from './given.ts'

export interface Cluster {
  /** `s3://bucket/prefix`: what the nodes share. */
  readonly bucket: string
  /** Where this node listens for the others. */
  readonly address: string
  /** Where the others reach this node, if that is another address. */
  readonly advertise?: string
  /** The secret by which nodes know each other. */
  readonly key: string
  /** How to reach the bucket, by the names that every S3 client knows. */
  readonly env: Readonly<Record<string, string>>
}

/** What an operator reads at every start. */
export const CLUSTER_NOTE =
  'EXPERIMENTAL: this broker is a node of a cluster. The cluster is an experiment of the runtime: an update may change how it keeps data, ' +
  'and may lose it. Losing it signs everybody out. Do not use it where one broker that is started again is enough'

export const CLUSTER_NAMES: readonly string[] = ['CLUSTER_BUCKET', 'CLUSTER_ADDRESS', 'CLUSTER_ADVERTISE', 'CLUSTER_KEY']
export const BUCKET_NAMES: readonly string[] = [
  'AWS_ENDPOINT_URL',
  'AWS_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CREDENTIALS_FILE',
]

const BUCKET = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w.-]+)+$/
const ADDRESS = /^(?<host>\[[\da-f:.]+\]|[\w.-]+):(?<port>\d{1,5})$/i
const WILDCARDS: readonly string[] = ['0.0.0.0', '[::]']

/** Undefined where none is wanted. Each mistake goes into `problems`. */
export function readCluster(given: Given, problems: OptionProblem[]): Cluster | undefined {
  const of = (name: string): string => (given[name] ?? '').trim()
  const refuse = (variable: string, problem: string, cure: string): void => void problems.push({ variable, problem, cure })
  if (of('CLUSTER_BUCKET') === '') {
    for (const name of CLUSTER_NAMES.filter((one) => of(one) !== ''))
      refuse(name, 'is for a cluster, and CLUSTER_BUCKET is not set', 'set CLUSTER_BUCKET on every node, or remove it')
    return undefined
  }
  if (!BUCKET.test(of('CLUSTER_BUCKET')))
    refuse(
      'CLUSTER_BUCKET',
      'is not a bucket and a prefix',
      'give s3://bucket/prefix; brokers with another prefix are another cluster',
    )

  const key = of('CLUSTER_KEY')
  const newKey = 'create one with openssl rand -hex 32, the same on every node'
  if (!/^[\w+/=.-]{32,256}$/.test(key))
    refuse('CLUSTER_KEY', key === '' ? 'not configured' : 'is not 32 or more letters and digits', newKey)
  if (key !== '' && [of('ENCRYPTION_KEY'), of('COOKIE_ENCRYPTION_KEY')].includes(key))
    refuse('CLUSTER_KEY', 'is the same as ENCRYPTION_KEY', newKey)

  const address = of('CLUSTER_ADDRESS')
  const advertise = of('CLUSTER_ADVERTISE')
  const anAddress =
    'give an address of a private network and a port, 10.0.0.5:7000: what nodes say to each other is not encrypted'
  if (address === '') refuse('CLUSTER_ADDRESS', 'not configured', anAddress)
  for (const [name, value] of Object.entries({ CLUSTER_ADDRESS: address, CLUSTER_ADVERTISE: advertise }))
    if (value !== '') refuseAddress(name, value, anAddress, problems)
  if (WILDCARDS.includes(hostOf(address)) && advertise === '')
    refuse(
      'CLUSTER_ADVERTISE',
      'not configured',
      'CLUSTER_ADDRESS is every address of this machine: say at which of them the others reach it',
    )
  if (WILDCARDS.includes(hostOf(advertise))) refuse('CLUSTER_ADVERTISE', 'is no address that others can reach', anAddress)

  const env = bucketEnvironment(given, problems)
  return { bucket: of('CLUSTER_BUCKET'), address, ...(advertise !== '' && { advertise }), key, env }
}

function refuseAddress(variable: string, value: string, cure: string, problems: OptionProblem[]): void {
  const host = hostOf(value)
  const port = Number(ADDRESS.exec(value)?.groups?.['port'])
  if (host === '' || !(port >= 1 && port <= 65_535)) problems.push({ variable, problem: 'is not an address and a port', cure })
  else if (isPublic(host.replaceAll(/[[\]]/g, ''))) problems.push({ variable, problem: 'is a public address', cure })
}

function hostOf(address: string): string {
  return ADDRESS.exec(address)?.groups?.['host'] ?? ''
}

/** As the runtime sees it, which refuses these too; a name is what it resolves to there. */
function isPublic(host: string): boolean {
  if (isIP(host) === 4)
    return !/^(0\.0\.0\.0$|10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
      host,
    )
  return isIP(host) === 6 && !/^(::1?$|f[cd]|fe[89ab])/i.test(host)
}

function bucketEnvironment(given: Given, problems: OptionProblem[]): Readonly<Record<string, string>> {
  const env: Record<string, string> = {}
  for (const name of BUCKET_NAMES) {
    const value = given[name]?.trim()
    if (value !== undefined && value !== '') env[name] = value
  }
  const endpoint = env['AWS_ENDPOINT_URL']
  if (endpoint === undefined || !/^https?:\/\/[^\s/?#]+\/?$/.test(endpoint))
    problems.push({
      variable: 'AWS_ENDPOINT_URL',
      problem: endpoint === undefined ? 'not configured' : 'is not the origin of an S3 server',
      cure: 'give the origin alone, https://s3.eu-central-1.amazonaws.com or https://ACCOUNT.r2.cloudflarestorage.com',
    })
  const file = env['AWS_CREDENTIALS_FILE']
  if (file !== undefined) return { ...env, AWS_CREDENTIALS_FILE: resolve(file) }
  for (const variable of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    if (env[variable] === undefined)
      problems.push({ variable, problem: 'not configured', cure: 'give the key of the bucket, or AWS_CREDENTIALS_FILE' })
  return env
}
