// RSA keys for providers that live for one test: making one takes a tenth of a second of a core, so a test file makes a few and they take turns.
import { generateKeyPair, type GenerateKeyPairResult } from 'jose'

/** More than any one test asks for: two that it has at the same time are never the same. */
const KEPT = 8

const made: Promise<GenerateKeyPairResult>[] = []
let turn = 0

export function nextRsaKeyPair(): Promise<GenerateKeyPairResult> {
  const place = turn++ % KEPT
  return (made[place] ??= generateKeyPair('RS256', { extractable: true }))
}
