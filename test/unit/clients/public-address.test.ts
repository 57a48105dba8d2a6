// Which addresses a stranger may have the broker ask: public https names with a path, and nothing that could be anywhere else.
import { describe, expect, test } from 'vitest'
import { addressPolicy, faultOfAddress } from '../../../src/clients/public-address.ts'

const deployed = addressPolicy('https://mcp.widgets.dev', ['https://tools.internal-widgets.dev/mcp', 'http://10.0.0.7:3000/mcp'])
const onThisComputer = addressPolicy('http://localhost:8788', ['http://127.0.0.1:3000/mcp'])

describe('an address is asked that is', () => {
  test.for([
    'https://vscode.dev/oauth/client-metadata.json',
    'https://claude.ai/oauth/claude-code-client-metadata',
    'https://chatgpt.com/oauth/kDmjx77UnKOM/client.json',
    'https://a.b-c.example-site.co.uk/x',
    'https://xn--bcher-kva.de/client.json',
    'https://client.dev/c?version=1',
    'https://client.dev/c//d/',
  ])('%s', (address) => {
    expect(faultOfAddress(address, deployed)).toBeUndefined()
  })
})

describe('attack 19: an address is not asked that', () => {
  test.for<[string, readonly string[]]>([
    [
      'is not https',
      ['http://client.dev/c', 'ftp://client.dev/c', 'data:application/json,{}', 'file:///etc/passwd', 'client.dev/c'],
    ],
    [
      'is an IPv4 address in any spelling',
      [
        'https://127.0.0.1/c',
        'https://169.254.169.254/latest/meta-data',
        'https://10.0.0.1/c',
        'https://2130706433/c',
        'https://0x7f000001/c',
        'https://0x7f.1/c',
        'https://127.1/c',
        'https://0177.0.0.1/c',
        'https://１２７.0.0.1/c',
      ],
    ],
    [
      'is an IPv6 address, also one that stands for IPv4',
      ['https://[::1]/c', 'https://[fd00::1]/c', 'https://[64:ff9b::a9fe:a9fe]/c', 'https://[::ffff:127.0.0.1]/c'],
    ],
    [
      'is at a name that is never public',
      [
        'https://localhost/c',
        'https://app.localhost/c',
        'https://printer.local/c',
        'https://metadata.google.internal/computeMetadata/v1/',
        'https://router.home.arpa/c',
        'https://server.lan/c',
        'https://wiki.corp/c',
        'https://site.example/c',
        'https://site.test/c',
        'https://site.invalid/c',
        'https://abc.onion/c',
        'https://kubernetes/c',
        'https://client.dev./c',
        'https://under_score.dev/c',
      ],
    ],
    ['names a port', ['https://client.dev:8443/c', 'https://client.dev:22/c', 'https://client.dev:443/c']],
    ['has a user name', ['https://client.dev@evil.dev/c', 'https://user:secret@client.dev/c', 'https://@client.dev/c']],
    ['has a fragment', ['https://client.dev/c#f', 'https://client.dev/c#']],
    ['has no path', ['https://client.dev', 'https://client.dev/']],
    [
      'a parser would have to repair',
      [
        'https://client.dev/a/../c',
        'https://client.dev/./c',
        'https://client.dev/a/%2e%2e/c',
        'https://CLIENT.dev/c',
        'HTTPS://client.dev/c',
        'https:\\\\client.dev\\c',
        'https:/client.dev/c',
        'https://client.dev/c d',
        'https://client.dev/\tc',
        ' https://client.dev/c',
        'https://bücher.de/c',
      ],
    ],
    ['is endless', [`https://client.dev/${'c'.repeat(500)}`]],
    [
      'is the broker’s own, or of a server behind it',
      ['https://mcp.widgets.dev/authorize', 'https://x.mcp.widgets.dev/c', 'https://tools.internal-widgets.dev/mcp'],
    ],
    [
      'is on this computer, for a broker that is not',
      ['http://localhost:9000/c', 'http://127.0.0.1:9000/c', 'http://[::1]:9000/c'],
    ],
  ])('%s', ([, addresses]) => {
    expect(addresses.filter((address) => faultOfAddress(address, deployed) === undefined)).toEqual([])
  })
})

describe('a broker on this computer', () => {
  test.for(['http://localhost:9000/c', 'http://127.0.0.1:9000/c', 'http://[::1]:9000/c', 'https://vscode.dev/c'])(
    'asks %s too',
    (address) => {
      expect(faultOfAddress(address, onThisComputer)).toBeUndefined()
    },
  )

  test.for([
    'http://localhost:8788/authorize',
    'http://127.0.0.1:8788/c',
    'http://[::1]:8788/c',
    'http://localhost:3000/mcp',
    'http://192.0.2.1:9000/c',
    'http://client.dev/c',
    'http://localhost:9000/',
  ])('does not ask %s', (address) => {
    expect(faultOfAddress(address, onThisComputer)).toBeDefined()
  })

  test('is one only if its own address is plain http on loopback', () => {
    for (const baseUrl of ['https://localhost:8788', 'http://mcp.widgets.dev', 'http://128.0.0.1:8788'])
      expect(faultOfAddress('http://localhost:9000/c', addressPolicy(baseUrl, []))).toBeDefined()
  })
})
