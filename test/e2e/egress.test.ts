// What strangers name is asked on the public network alone: documents, keys and redirects that lead into every other network.
//
// The whole test stands in a network namespace of its own, where every address of every network is this computer: it needs Linux and
// the right to make one (root, or unprivileged user namespaces).
import { execFileSync, spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MOVED_TO, MOVING_NAME, NAMES, PUBLIC_ADDRESS, PUBLIC_NAME, TRAPS } from '../egress/addresses.ts'
import { BrokerClient } from '../world/broker-client.ts'
import { signInAs } from '../world/browser.ts'
import { ROOT } from '../world/bundle.ts'
import { close, listen } from '../world/listening.ts'
import { startWorld } from '../world/world.ts'

const NAMESPACE = ['--user', '--map-root-user', '--net', '--mount']
const isPossible = spawnSync('unshare', [...NAMESPACE, 'ip', 'link', 'set', 'lo', 'up']).status === 0

const isSkipped = !isPossible && !process.env['CI']

test.skipIf(isSkipped)('what strangers name leads into no private network, by name, by number, by redirect or by moving', () => {
  const { public: production, anything } = tried()
  const outside = [PUBLIC_ADDRESS]
  expect(production).toEqual({ byDocument: [], byNetwork: [], byKeys: outside, byRedirect: outside, byMoving: outside })
  // The trap works: by a network that reaches everything all of them are reached.
  expect(anything).toEqual({
    byDocument: TRAPS,
    byNetwork: TRAPS,
    byKeys: [...TRAPS, PUBLIC_ADDRESS].sort(),
    byRedirect: outside,
    byMoving: [MOVED_TO, PUBLIC_ADDRESS].sort(),
  })
})

test.skipIf(isSkipped)('nor does it by the executable', () => {
  const folder = mkdtempSync(join(tmpdir(), 'egress-binary-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const executable = join(folder, 'mcp-session-broker')
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-binary.ts'), '--out', executable])
  const outside = [PUBLIC_ADDRESS]
  const production = { byDocument: [], byNetwork: [], byKeys: outside, byRedirect: outside, byMoving: outside }
  expect(tried(executable)).toEqual({ public: production })
})

function tried(...executable: readonly string[]) {
  const hosts = join(mkdtempSync(join(tmpdir(), 'egress-')), 'hosts')
  const named = [['localhost', '127.0.0.1'], [PUBLIC_NAME, PUBLIC_ADDRESS], [MOVING_NAME, PUBLIC_ADDRESS], ...NAMES]
  writeFileSync(hosts, named.map(([name, address]) => `${address} ${name}\n`).join(''))
  const script = `set -e
    ip link set lo up
    ip route add local 0.0.0.0/0 dev lo
    ip -6 route add local ::/0 dev lo
    mount --bind "$0" /etc/hosts
    exec "$@"`
  const program = [process.execPath, join(import.meta.dirname, '../egress/inside.ts'), ...executable]
  const ran = spawnSync('unshare', [...NAMESPACE, 'sh', '-c', script, hosts, ...program], { encoding: 'utf8' })
  expect(ran.stderr).toBe('')
  return JSON.parse(ran.stdout)
}

describe('an MCP server inside the network that the operator named', () => {
  test.for(['its metadata', 'its authorization server'])('does not lead the broker to another place there: %s', async (what) => {
    let visits = 0
    const trap = createServer((_, answer) => {
      visits += 1
      answer.end('{}')
    })
    const inside = `http://127.0.0.1:${await listen(trap, 0)}`
    const server = createServer((asked, answer) => {
      const own = `http://${asked.headers.host}`
      const metadata = what === 'its metadata' ? `${inside}/metadata` : `${own}/metadata`
      if (asked.url === '/metadata') answer.end(JSON.stringify({ resource: `${own}/mcp`, authorization_servers: [inside] }))
      else answer.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${metadata}"` }).end()
    })
    const url = `http://127.0.0.1:${await listen(server, 0)}/mcp`
    const world = await startWorld({
      strangersReach: 'public',
      overrides: { DOWNSTREAMS: JSON.stringify([{ name: 'vault', url, auth: 'oauth' }]) },
    })
    onTestFinished(async () => {
      await world.close()
      await Promise.all([close(server), close(trap)])
    })
    const client = await BrokerClient.register(world.brokerUrl)
    const asked = client.authorizeUrl({ resource: `${world.brokerUrl}/servers/vault/mcp` })
    const signingIn = signInAs('alice', asked.url, { stopAt: client.redirectUri })
    await expect(signingIn).rejects.toThrow('server_sign_in_unreachable')
    expect(visits).toBe(0)
    expect(world.logs.map(({ message }) => message).join('\n')).toContain(`connecting to ${inside.slice(7)} is not allowed`)
  })
})
