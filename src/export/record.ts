// What is exported of an entry of the evidence: the entry as it is, and beside it the same in OCSF where it says something.
import type { EvidenceEntry } from '../evidence/line.ts'
import { ocsfOf, type OcsfEvent } from './ocsf.ts'

export type ExportRecord = EvidenceEntry & { readonly ocsf?: OcsfEvent | undefined }

export function recordOf(entry: EvidenceEntry, issuer: string): ExportRecord {
  const ocsf = 'number' in entry && entry.body ? ocsfOf(entry.number, entry.body, issuer) : undefined
  return { ...entry, ...(ocsf && { ocsf }) }
}

/** Its number, or that of the first and the last line it stands for. */
export function spanOf(entry: EvidenceEntry): readonly [first: number, last: number] {
  return 'number' in entry ? [entry.number, entry.number] : [entry.first, entry.last]
}

/** Unix milliseconds; undefined of what is kept no more. */
export function timeOf(entry: EvidenceEntry): number | undefined {
  return 'number' in entry ? entry.body?.at : undefined
}

/** What came of a delivery. `again`: it may be taken later. `refused`: it never will be, as it is. */
export interface Delivered {
  readonly outcome: 'taken' | 'again' | 'refused'
  readonly why: string
  /** How long it wants to be left alone, as far as it says so. */
  readonly pauseMs?: number
}
