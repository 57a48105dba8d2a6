// A resource is recognised in every spelling clients send and in no other, and what comes out is always the canonical one.
import { describe, expect, test } from 'vitest'
import { canonicalResource, supportedScopes } from '../../../src/oauth/resource.ts'
import type { Downstream } from '../../../src/settings/downstreams.ts'

function downstream(resource: string, scopes: readonly string[] = ['mcp']): Downstream {
  const { pathname } = new URL(resource)
  const url = 'https://tools.example/mcp'
  return { name: pathname.slice(1), path: pathname, resource, url, auth: 'identity-jwt', transport: 'auto', scopes }
}

const sole = downstream('https://mcp.example.com/mcp')
const wiki = downstream('https://mcp.example.com/servers/wiki/mcp')
const local = downstream('http://localhost:8788/mcp')

const meant = (asked: readonly string[], downstreams: readonly Downstream[]) => canonicalResource(asked, downstreams).resource
const invalidTarget: unknown = expect.objectContaining({ code: 'invalid_target', status: 400 })

describe('a resource is recognised when', () => {
  test.for<[string, string[], Downstream[], string]>([
    ['it is written canonically', ['https://mcp.example.com/mcp'], [sole, wiki], sole.resource],
    ['it ends with a slash', ['https://mcp.example.com/mcp/'], [sole, wiki], sole.resource],
    ['scheme and host are in capitals', ['HTTPS://MCP.Example.COM/mcp'], [sole, wiki], sole.resource],
    ['it names the default port', ['https://mcp.example.com:443/mcp'], [sole, wiki], sole.resource],
    ['it is repeated', ['https://mcp.example.com/mcp', 'https://mcp.example.com/mcp'], [sole, wiki], sole.resource],
    [
      'it is repeated in two spellings',
      ['https://mcp.example.com/mcp', 'https://MCP.example.com/mcp/'],
      [sole, wiki],
      sole.resource,
    ],
    ['it is the second downstream', ['https://mcp.example.com/servers/wiki/mcp'], [sole, wiki], wiki.resource],
    ['it is the origin of the only downstream', ['https://mcp.example.com'], [sole], sole.resource],
    ['it is that origin with the slash SDKs add', ['https://mcp.example.com/'], [sole], sole.resource],
    ['it is where the only downstream speaks HTTP+SSE', ['https://mcp.example.com/sse'], [sole], sole.resource],
    ['it is where the one of two speaks HTTP+SSE', ['https://mcp.example.com/sse'], [sole, wiki], sole.resource],
    ['it is where the other speaks HTTP+SSE', ['https://mcp.example.com/servers/wiki/sse'], [sole, wiki], wiki.resource],
    ['it is named by both its addresses', ['https://mcp.example.com/sse', 'https://mcp.example.com/mcp'], [sole], sole.resource],
    ['it has the port of a local broker', ['http://localhost:8788/mcp'], [local], local.resource],
    ['it is absent and there is one downstream', [], [sole], sole.resource],
    ['it is empty and there is one downstream', [''], [sole], sole.resource],
  ])('%s', ([, asked, downstreams, resource]) => {
    expect(meant(asked, downstreams)).toBe(resource)
  })
})

describe('attack 21: a resource is refused when', () => {
  test.for<[string, string[], Downstream[]]>([
    ['it is another host', ['https://evil.example/mcp'], [sole]],
    ['it is another path', ['https://mcp.example.com/other'], [sole]],
    ['it is a path below', ['https://mcp.example.com/mcp/tools'], [sole]],
    ['its path is in capitals', ['https://mcp.example.com/MCP'], [sole]],
    ['it is another scheme', ['http://mcp.example.com/mcp'], [sole]],
    ['it is another port', ['https://mcp.example.com:8443/mcp'], [sole]],
    ['it names the default port of another scheme', ['https://mcp.example.com:80/mcp'], [sole]],
    ['it has a fragment', ['https://mcp.example.com/mcp#a'], [sole]],
    ['it has an empty fragment', ['https://mcp.example.com/mcp#'], [sole]],
    ['it has a query', ['https://mcp.example.com/mcp?a=b'], [sole]],
    ['it has a user name', ['https://a@mcp.example.com/mcp'], [sole]],
    ['it hides the host behind a user name', ['https://mcp.example.com@evil.example/mcp'], [sole]],
    ['it goes through dots', ['https://mcp.example.com/x/../mcp'], [sole]],
    ['it is written with backslashes', ['https:\\\\mcp.example.com\\mcp'], [sole]],
    ['it lacks the slashes', ['https:mcp.example.com/mcp'], [sole]],
    ['it ends with two slashes', ['https://mcp.example.com/mcp//'], [sole]],
    ['it is followed by a newline', ['https://mcp.example.com/mcp\n'], [sole]],
    ['it is encoded', ['https://mcp.example.com/%6dcp'], [sole]],
    ['it is not a URL', ['mcp'], [sole]],
    ['it is the origin of two downstreams', ['https://mcp.example.com/'], [sole, wiki]],
    ['it is where a downstream at /mcp would speak HTTP+SSE', ['https://mcp.example.com/sse'], [wiki]],
    ['it is where another one speaks HTTP+SSE', ['https://mcp.example.com/servers/docs/sse'], [sole, wiki]],
    ['it is where messages of HTTP+SSE go', ['https://mcp.example.com/servers/wiki/messages'], [sole, wiki]],
    ['it is the folder of a downstream', ['https://mcp.example.com/servers/wiki'], [sole, wiki]],
    ['it is a path below that', ['https://mcp.example.com/sse/x'], [sole]],
    ['it is absent and there are two downstreams', [], [sole, wiki]],
    ['it names two downstreams', ['https://mcp.example.com/mcp', 'https://mcp.example.com/servers/wiki/mcp'], [sole, wiki]],
    ['it names a downstream and a stranger', ['https://mcp.example.com/mcp', 'https://evil.example/mcp'], [sole]],
  ])('%s', ([, asked, downstreams]) => {
    expect(() => meant(asked, downstreams)).toThrow(invalidTarget)
  })

  test('the refusal names what could have been asked for', () => {
    expect(() => meant(['https://evil.example'], [sole, wiki])).toThrow(`${sole.resource} ${wiki.resource}`)
  })
})

// A small linear congruential generator: a failure repeats on the next run.
const numbers = (seed: number) => () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648

const inRandomCase = (text: string, next: () => number) =>
  Array.from(text, (letter) => (next() < 0.5 ? letter.toUpperCase() : letter.toLowerCase())).join('')

function isRefused(asked: string): boolean {
  try {
    canonicalResource([asked], [sole, wiki])
    return false
  } catch {
    return true
  }
}

describe('properties of resource comparison', () => {
  test('every mixture of the forgiven spellings means the same resource', () => {
    const next = numbers(1)
    const spellings = Array.from({ length: 300 }, () => {
      const [port, slash] = [next() < 0.5 ? ':443' : '', next() < 0.5 ? '/' : '']
      return `${inRandomCase('https', next)}://${inRandomCase('mcp.example.com', next)}${port}/mcp${slash}`
    })
    expect(spellings.filter((spelling) => meant([spelling], [sole, wiki]) !== sole.resource)).toEqual([])
  })

  test('one changed character outside them is another resource', () => {
    const next = numbers(2)
    const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789-._~%@!$&'()*+,;=:?#[]/\\ \t"
    const changed = Array.from({ length: 1000 }, () => {
      const at = Math.floor(next() * sole.resource.length)
      return sole.resource.slice(0, at) + alphabet.charAt(Math.floor(next() * alphabet.length)) + sole.resource.slice(at + 1)
    })
    expect(changed.filter((asked) => asked !== sole.resource && !isRefused(asked))).toEqual([])
  })

  test('the answer is canonical: asked for again, it means itself', () => {
    for (const asked of ['https://mcp.example.com', 'HTTPS://MCP.EXAMPLE.COM:443/mcp/', '']) {
      const once = meant([asked], [sole])
      expect(meant([once], [sole])).toBe(once)
    }
  })
})

test('scopes of all downstreams are offered once, with offline_access', () => {
  expect(supportedScopes([sole])).toEqual(['mcp', 'offline_access'])
  expect(supportedScopes([sole, downstream('https://mcp.example.com/b', ['mcp', 'wiki:read'])])).toEqual([
    'mcp',
    'wiki:read',
    'offline_access',
  ])
})
