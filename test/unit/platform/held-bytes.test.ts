// How much is held of bodies at once: everybody's share, one person's, and what a request gives back.
import { expect, test } from 'vitest'
import { HeldBytes } from '../../../src/platform/held-bytes.ts'

const KIB = 1024

test('one person has a share and no more, and others have room meanwhile', () => {
  const held = new HeldBytes(100 * KIB, 40 * KIB)
  const ada = held.open('ada')
  ada.hold(40 * KIB)
  expect(() => ada.hold(1)).toThrow(expect.objectContaining({ whose: 'own' }))
  expect(() => held.open('ada')).toThrow(expect.objectContaining({ whose: 'own' }))
  held.open('bob').hold(40 * KIB)
  ada.release()
  held.open('ada').hold(40 * KIB)
})

test('what has two owners counts for both of them', () => {
  const held = new HeldBytes(100 * KIB, 40 * KIB)
  const { hold, release } = held.open(['ada', 'docs.example'])
  hold(40 * KIB)
  for (const who of ['ada', 'docs.example', ['bob', 'ada']])
    expect(() => held.open(who)).toThrow(expect.objectContaining({ whose: 'own' }))
  release()
  held.open(['bob', 'docs.example']).hold(40 * KIB)
})

test('all of them together have no more than there is', () => {
  const held = new HeldBytes(100 * KIB, 40 * KIB)
  for (const who of ['ada', 'bob']) held.open(who).hold(40 * KIB)
  const carol = held.open('carol')
  expect(() => carol.hold(30 * KIB)).toThrow(expect.objectContaining({ whose: 'all' }))
  carol.release()
  held.open('dan').hold(20 * KIB)
})

test('requests count however little of them comes', () => {
  const held = new HeldBytes(100 * KIB, 40 * KIB)
  const open = Array.from({ length: 10 }, () => held.open('ada'))
  expect(() => held.open('ada')).toThrow(expect.objectContaining({ whose: 'own' }))
  for (const { release } of open) release()
  held.open('ada').hold(40 * KIB)
})
