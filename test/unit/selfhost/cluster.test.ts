// What an operator may write about a cluster, what it becomes, and which folders are of another kind.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BackupError, backUp } from '../../../selfhost/backup.ts'
import { readCluster } from '../../../selfhost/cluster.ts'
import { holdDataFolder } from '../../../selfhost/data-folder.ts'
import type { OptionProblem } from '../../../selfhost/given.ts'
import { workerdConfig } from '../../../selfhost/workerd-config.ts'

const KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
const BUCKET_KEY = { AWS_ENDPOINT_URL: 'https://s3.example.com', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }
const GOOD = { CLUSTER_BUCKET: 's3://broker/production', CLUSTER_ADDRESS: '10.0.0.5:7000', CLUSTER_KEY: KEY, ...BUCKET_KEY }

function read(given: Readonly<Record<string, string | undefined>>) {
  const problems: OptionProblem[] = []
  return { cluster: readCluster(given, problems), said: problems.map(({ variable, problem }) => `${variable} ${problem}`) }
}

test('a cluster is a bucket, an address and a key; without a bucket there is none', () => {
  expect(read({ AWS_ACCESS_KEY_ID: 'of another program' })).toEqual({ cluster: undefined, said: [] })
  expect(read(GOOD)).toEqual({
    cluster: { bucket: 's3://broker/production', address: '10.0.0.5:7000', key: KEY, env: BUCKET_KEY },
    said: [],
  })
  const behindNat = read({ ...GOOD, CLUSTER_ADDRESS: '0.0.0.0:7000', CLUSTER_ADVERTISE: 'broker-0.brokers:7000' })
  expect(behindNat).toMatchObject({ cluster: { advertise: 'broker-0.brokers:7000' }, said: [] })
})

describe('a cluster is refused whose', () => {
  test.for<[string, Readonly<Record<string, string | undefined>>, string]>([
    ['bucket is missing', { CLUSTER_BUCKET: undefined }, 'CLUSTER_ADDRESS is for a cluster, and CLUSTER_BUCKET is not set'],
    ['bucket has no prefix', { CLUSTER_BUCKET: 's3://broker' }, 'CLUSTER_BUCKET is not a bucket and a prefix'],
    ['bucket would end the string', { CLUSTER_BUCKET: 's3://broker/a"b' }, 'CLUSTER_BUCKET is not a bucket and a prefix'],
    ['key is missing', { CLUSTER_KEY: undefined }, 'CLUSTER_KEY not configured'],
    ['key is short', { CLUSTER_KEY: 'short' }, 'CLUSTER_KEY is not 32 or more letters and digits'],
    ['key is the one of the tokens', { ENCRYPTION_KEY: KEY }, 'CLUSTER_KEY is the same as ENCRYPTION_KEY'],
    ['address is missing', { CLUSTER_ADDRESS: undefined }, 'CLUSTER_ADDRESS not configured'],
    ['address has no port', { CLUSTER_ADDRESS: '10.0.0.5' }, 'CLUSTER_ADDRESS is not an address and a port'],
    ['address is public', { CLUSTER_ADDRESS: '8.8.8.8:7000' }, 'CLUSTER_ADDRESS is a public address'],
    ['address is public, in IPv6', { CLUSTER_ADDRESS: '[2600::1]:7000' }, 'CLUSTER_ADDRESS is a public address'],
    ['address is every one', { CLUSTER_ADDRESS: '0.0.0.0:7000' }, 'CLUSTER_ADVERTISE not configured'],
    ['nodes are sent to nowhere', { CLUSTER_ADVERTISE: '0.0.0.0:7000' }, 'CLUSTER_ADVERTISE is no address that others can reach'],
    ['S3 server is missing', { AWS_ENDPOINT_URL: undefined }, 'AWS_ENDPOINT_URL not configured'],
    [
      'S3 server has a path',
      { AWS_ENDPOINT_URL: 'https://s3.example.com/broker' },
      'AWS_ENDPOINT_URL is not the origin of an S3 server',
    ],
    ['key of the bucket is missing', { AWS_SECRET_ACCESS_KEY: '' }, 'AWS_SECRET_ACCESS_KEY not configured'],
  ])('%s', ([, change, sentence]) => {
    expect(read({ ...GOOD, ...change }).said).toContain(sentence)
  })
})

test('the key of the bucket is in no file; the key of the nodes has to be, for the runtime reads it nowhere else', () => {
  const { cluster } = read({ ...GOOD, CLUSTER_ADVERTISE: '10.0.0.6:7000' })
  const worker = { compatibilityDate: '2026-10-01', compatibilityFlags: [], durableObjects: [] }
  const known = {
    worker,
    module: 'worker.js',
    variables: [],
    listeners: [],
    disk: '/data',
    strangersReach: 'public',
  } as const
  const written = workerdConfig({ ...known, ...(cluster && { cluster }) })
  expect(written).toContain(
    `cluster = (bucket = "s3://broker/production", address = "10.0.0.5:7000", advertise = "10.0.0.6:7000", key = "${KEY}")`,
  )
  expect(written).not.toContain('secret')
  expect(workerdConfig(known)).not.toContain('cluster')
})

describe('a data folder of another kind is refused', () => {
  test.for<[string, string, boolean, string]>([
    ['a node of a cluster does not begin with the objects of a broker alone', 'ab.sqlite', true, 'a cluster takes none over'],
    ['a broker alone does not go on with copies of a cluster’s objects', '.cluster', false, 'revocations may be missing'],
  ])('%s', ([, file, inCluster, why]) => {
    const dataDir = folderWith(file)
    expect(() => holdDataFolder(dataDir, inCluster)).toThrow(
      expect.objectContaining({ reason: 'of_another_kind', message: expect.stringContaining(why) }),
    )
    holdDataFolder(dataDir, !inCluster).release()
  })

  test('a backup of one node would be a backup of a part', () => {
    expect(() => backUp(folderWith('.cluster'), '/nowhere')).toThrow(BackupError)
  })
})

function folderWith(file: string): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-folder-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true }))
  mkdirSync(join(dataDir, 'durable-objects/UserSession'), { recursive: true })
  for (const name of ['metadata.sqlite', file]) writeFileSync(join(dataDir, 'durable-objects/UserSession', name), '')
  return dataDir
}
