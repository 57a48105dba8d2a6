// What is remembered of tools: for a minute, of each list for itself, and never more than so much.
import { beforeEach, expect, test } from 'vitest'
import { ToolMemory } from '../../../../src/mcp/tools/memory.ts'

let now = 0
let memory: ToolMemory
beforeEach(() => {
  now = 1_000
  memory = new ToolMemory(() => now)
})

const reads = (name: string): { name: string; isReadOnly: boolean } => ({ name, isReadOnly: true })
const writes = (name: string): { name: string; isReadOnly: boolean } => ({ name, isReadOnly: false })

test('a tool that was listed as read-only is one for a minute, in its own list', () => {
  memory.learn('ada https://x', [reads('a'), writes('b')])
  expect(memory.isReadOnly('ada https://x', 'a')).toBe(true)
  expect(memory.isReadOnly('bob https://x', 'a')).toBeUndefined()
  now += 60
  expect(memory.isReadOnly('ada https://x', 'a')).toBeUndefined()
})

test('of a tool that was not listed as read-only nothing is known until the list was asked for', () => {
  memory.learn('x', [reads('a'), writes('b')])
  expect(memory.isReadOnly('x', 'b')).toBeUndefined()
  memory.asked('x', true)
  expect(memory.isReadOnly('x', 'b')).toBe(false)
  now += 59
  expect(memory.isReadOnly('x', 'b')).toBe(false)
  now += 1
  expect(memory.isReadOnly('x', 'b')).toBeUndefined()
})

test('a server that did not answer is asked again after a few seconds', () => {
  memory.asked('x', false)
  expect(memory.isReadOnly('x', 'a')).toBe(false)
  now += 5
  expect(memory.isReadOnly('x', 'a')).toBeUndefined()
})

test('a later list takes the word back', () => {
  memory.learn('x', [reads('a')])
  memory.learn('x', [writes('a')])
  expect(memory.isReadOnly('x', 'a')).toBeUndefined()
})

test('of too many tools the last are kept, and names that are no names are not', () => {
  memory.learn(
    'x',
    Array.from({ length: 1_001 }, (_, at) => reads(`t${at}`)),
  )
  expect([memory.isReadOnly('x', 't0'), memory.isReadOnly('x', 't1000')]).toEqual([undefined, true])
  memory.learn('x', [reads('n'.repeat(257))])
  expect(memory.isReadOnly('x', 'n'.repeat(257))).toBeUndefined()
})

test('of too many lists those used last are kept', () => {
  memory.learn('first', [reads('a')])
  for (let at = 0; at < 199; at += 1) memory.learn(`list ${at}`, [reads('a')])
  memory.learn('first', [reads('b')])
  memory.learn('one more', [])
  expect([memory.isReadOnly('first', 'a'), memory.isReadOnly('list 0', 'a')]).toEqual([true, undefined])
})
