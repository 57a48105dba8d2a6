// What the page says about a client is what the documents say: whoever reads both must not have to choose.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { setupsFor, type Setup } from '../../../src/pages/setups.ts'

const CLIENTS = resolve(import.meta.dirname, '../../../docs/clients')
const INDEX = readFileSync(join(CLIENTS, 'index.md'), 'utf8')
const SETUPS = setupsFor('https://mcp.example.com/mcp', 'NAME')

/** Of whom `index.md` has all there is to say. */
const IN_INDEX: readonly string[] = ['MCP Inspector', 'mcp-remote']
const pageOf = (client: string): string => (client === 'Claude Code' ? 'claude' : client.toLowerCase().replaceAll(' ', '-'))

describe('the documents say of', () => {
  test.for(SETUPS.map((setup) => [setup.client, setup] as const))('%s what the page says', ([client, setup]) => {
    const page = `${pageOf(client)}.md`
    const text = IN_INDEX.includes(client) ? INDEX : readFileSync(join(CLIENTS, page), 'utf8')
    expect(INDEX).toContain(IN_INDEX.includes(client) ? 'mcp-remote https://mcp.example.com/mcp' : `](${page}`)
    expect(isSaidIn(text, setup)).toBe(true)
  })

  test('no client that the page does not know', () => {
    const named = [...INDEX.matchAll(/^\| \[([^\]]+)\]\(/gm)].map(([, name = '']) => name)
    expect(named.toSorted()).toEqual(
      SETUPS.map(({ client }) => client)
        .filter((client) => !IN_INDEX.includes(client))
        .toSorted(),
    )
  })

  test('an install link only where there is one', () => {
    for (const { client, install } of SETUPS) {
      const page = join(CLIENTS, `${pageOf(client)}.md`)
      const says = existsSync(page) && readFileSync(page, 'utf8').includes('have a link that adds')
      expect([client, says]).toEqual([client, install !== undefined])
    }
  })
})

function isSaidIn(text: string, { client, kind, where, text: snippet }: Setup): boolean {
  if (kind === 'url') return text.includes(menuOf(where))
  if (client === 'mcp-remote') return text.includes('`-y mcp-remote https://mcp.example.com/mcp`')
  if (kind !== 'json') return text.includes(snippet)
  const blocks = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, block = '']) => JSON.stringify(JSON.parse(block)))
  return blocks.includes(JSON.stringify(JSON.parse(snippet)))
}

/** The menus a person goes through, without what the documents set in bold. */
function menuOf(where: string): string {
  const [menu = ''] = /[A-Z]\w+ → [\w ]+/.exec(where) ?? []
  return menu.trim()
}
