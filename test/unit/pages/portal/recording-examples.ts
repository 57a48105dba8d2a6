// What the pages of the flight recorder and the sealing key are drawn from in tests.
import type { RecordingView } from '../../../../src/pages/portal/recording.tsx'
import type { SealingKeyView } from '../../../../src/pages/portal/sealing-key.tsx'
import { MCP, NOW, person, SUB } from './examples.ts'

const entry = {
  at: NOW * 1_000,
  kind: 'exchange',
  era: 'modern',
  verb: 'POST',
  grantId: 'a-grant',
  requestId: '5a0f9a6e-7d0f-4d26-9a27-6d1e2f3b4c5d',
} as const

export const recording: RecordingView = {
  sub: SUB,
  name: person.name,
  email: person.email,
  grants: person.grants,
  terms: { bodies: true, fingerprint: 'f'.repeat(43), by: 'c'.repeat(43), byName: 'carol@example.com', until: NOW + 900 },
  entries: [
    {
      ...entry,
      requestId: 'a third',
      number: 1,
      method: 'tools/list',
      status: 200,
      durationMs: 41,
      requestBytes: 180,
      answerBytes: 8_400,
    },
    {
      ...entry,
      number: 2,
      kind: 'stream_opened',
      method: 'tools/call',
      about: 'count',
      status: 200,
      durationMs: 12,
      requestBytes: 220,
    },
    {
      ...entry,
      number: 3,
      requestId: 'another',
      method: 'tools/call',
      about: 'delete_everything',
      status: 403,
      refusal: 'tool_not_allowed',
      requestBytes: 210,
    },
    {
      ...entry,
      number: 4,
      kind: 'stream_ended',
      method: 'tools/call',
      about: 'count',
      durationMs: 12_400,
      events: 24,
      answerBytes: 2_900,
      ended: 'credential_revoked',
      sealed: { answer: 4_096 },
    },
  ],
  filter: { about: '', outcome: '' },
  urls: new Map([['a-grant', MCP]]),
  docsOf: (code) => `https://docs.example.com/reference/errors#${code}`,
  sealingKey: {
    fingerprint: 'f'.repeat(43),
    createdAt: NOW - 900,
    by: 'c'.repeat(43),
    byName: 'carol@example.com',
    isReplacement: true,
  },
  keptFor: 86_400,
  csrf: 'a-csrf-token',
  complaint: undefined,
}

export const sealingKey: SealingKeyView = {
  keys: [
    { fingerprint: 'f'.repeat(43), createdAt: NOW - 900, by: 'c'.repeat(43), byName: 'carol@example.com' },
    {
      fingerprint: 'e'.repeat(43),
      createdAt: NOW - 9_000,
      by: 'c'.repeat(43),
      byName: 'carol@example.com',
      replacedAt: NOW - 900,
    },
  ],
  broker: 'https://mcp.example.com',
  csrf: 'a-csrf-token',
}
