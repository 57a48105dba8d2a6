// Findings as a person reads them in a terminal.
import type { Finding } from './finding.ts'

const MARKS: Readonly<Record<Finding['state'], string>> = { ok: '  ok   ', note: '  note ', fault: '  FAULT' }

export function shown(findings: readonly Finding[]): string {
  const lines: string[] = []
  for (const [heading, ofIt] of Map.groupBy(findings, ({ about }) => about)) {
    lines.push('', heading)
    for (const { state, says, cure } of ofIt) {
      lines.push(`${MARKS[state]}  ${says}`)
      if (cure !== undefined) lines.push(`         → ${cure}`)
    }
  }
  const faults = findings.filter(({ state }) => state === 'fault').length
  const verdict = faults === 0 ? 'No faults found.' : `${faults} ${faults === 1 ? 'fault' : 'faults'} found.`
  return [...lines, '', verdict].join('\n').trimStart()
}
