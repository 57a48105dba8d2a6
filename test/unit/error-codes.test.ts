// Every refusal has its entry in docs/reference/errors.md, with its status and what to do about it.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

describe('the page of error codes', () => {
  const page = document('docs/reference/errors.md')
  const entries = new Map([...page.matchAll(/^### `(\w+)`\n\n(.*)$/gm)].map(([, code = '', text = '']) => [code, text]))

  test('has an entry for every refusal of an MCP request, with its status and its JSON-RPC code', () => {
    const told = [...document('src/mcp/message/refusal.ts').matchAll(/^ {2}(\w+): \{ status: (\d+), rpc: (-\d+) \},$/gm)]
    expect(told.length).toBeGreaterThan(30)
    const wrong = told.filter(([, code = '', status = '', rpc = '']) => {
      const text = entries.get(code) ?? ''
      return !text.startsWith(status) || !text.includes(`JSON-RPC ${rpc}`)
    })
    expect(wrong.map(([, code]) => code)).toEqual([])
  })

  test.for(['src/clients/oauth-error.ts', 'src/routes/admin/refusal.ts', 'src/oauth/web-identity.ts'])(
    'has an entry for every refusal of %s, with its status',
    (file) => {
      const [, table = ''] = /^const STATUS = \{\n(.*?)^\}/ms.exec(document(file)) ?? []
      const told = [...table.matchAll(/^ {2}(\w+): (\d+),$/gm)]
      expect(told.length).toBeGreaterThan(5)
      const wrong = told.filter(([, code = '', status = '']) => !new RegExp(`\\b${status}\\b`).test(entries.get(code) ?? ''))
      expect(wrong.map(([, code]) => code)).toEqual([])
    },
  )

  test('has an entry for every code that is said anywhere else', () => {
    const routes = readdirSync(join(ROOT, 'src/routes'), { recursive: true, encoding: 'utf8' })
    const sources = routes.filter((name) => /\.tsx?$/.test(name))
    const texts = [...sources.map((name) => document(join('src/routes', name))), document('src/app.ts')]
    const said = texts.flatMap((text) => [
      ...[...text.matchAll(/\b[45]\d\d, '([a-z_]+)'/g)].map(([, code = '']) => code),
      ...[...text.matchAll(/\b(?:code|error): '([a-z_]+)'/g)].map(([, code = '']) => code),
    ])
    const [, union = ''] = /^export type RemoteErrorReason =\n(.*?)^$/ms.exec(document('src/oauth-client/remote-error.ts')) ?? []
    const reasons = [...union.matchAll(/\| '(\w+)'/g)].map(([, reason = '']) => reason)
    expect(reasons).toHaveLength(4)
    const codes = [...said, ...reasons.flatMap((reason) => [`identity_provider_${reason}`, `server_sign_in_${reason}`])]
    expect(codes.length).toBeGreaterThan(20)
    expect([...new Set(codes)].filter((code) => !entries.has(code))).toEqual([])
  })

  test('says of every code what to do, and has each once', () => {
    expect([...entries].filter(([, text]) => !text.includes('**Do:**'))).toEqual([])
    const headings = [...page.matchAll(/^### `(\w+)`$/gm)]
    expect(headings.length).toBe(entries.size)
  })

  test('has every last word of a stream, and none besides', () => {
    const [, list = ''] = /closeReason = z\.enum\(\[(.*?)\]/s.exec(document('src/session/contract/leash-terms.ts')) ?? []
    const reasons = [...list.matchAll(/'(\w+)'/g)].map(([, reason = '']) => reason)
    const words = page.split('## Last words of a stream')[1] ?? ''
    const told = [...words.matchAll(/^\| `(\w+)` \|/gm)].map(([, reason = '']) => reason)
    expect(reasons.length).toBeGreaterThan(5)
    expect(told.toSorted()).toEqual(reasons.toSorted())
  })
})

function document(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8')
}
