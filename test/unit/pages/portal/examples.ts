// What the pages of the portal and the account page show in a company at work.
import type { ClientsView } from '../../../../src/pages/portal/clients.tsx'
import type { ConfirmView } from '../../../../src/pages/portal/confirm.tsx'
import type { EventsView } from '../../../../src/pages/portal/events.tsx'
import type { MachinesView, NewTokenView } from '../../../../src/pages/portal/machines.tsx'
import type { OverviewView } from '../../../../src/pages/portal/overview.tsx'
import type { PeopleView } from '../../../../src/pages/portal/people.tsx'
import type { PersonView } from '../../../../src/pages/portal/person.tsx'
import type { ReceiptView } from '../../../../src/pages/portal/receipt.tsx'
import type { ReceiptsView } from '../../../../src/pages/portal/receipts.tsx'

import { BY_CAROL, ENDED_OF_ONE } from './by-carol.ts'

export const NOW = 1_795_000_000
export const SUB = 'o3VsUFsRBFm7Bg61-ZHZa1Gdsi91AN9y_lj_2Elh8Ls'
export const MCP = 'https://mcp.example.com/mcp'

export const person: PersonView = {
  sub: SUB,
  name: 'Alice Archer',
  email: 'alice@example.com',
  groups: ['engineering', 'on-call'],
  issuer: 'https://login.example.com',
  subject: 'person-1001',
  kind: 'person',
  blocked: false,
  lastSeenAt: NOW - 400,
  grants: [
    {
      id: 'g1',
      clientId: 'pub_cursor',
      clientName: 'Cursor',
      resource: MCP,
      scopes: ['mcp'],
      createdAt: NOW - 90_000,
      endsAt: NOW + 900_000,
      mcpSessions: 1,
    },
    {
      id: 'g2',
      clientId: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
      clientName: 'Claude',
      resource: 'https://mcp.example.com/servers/documents/mcp',
      scopes: ['mcp'],
      createdAt: NOW - 4_000,
      endsAt: NOW + 900_000,
      mcpSessions: 0,
    },
  ],
  streams: [
    {
      id: 's1',
      grantId: 'g1',
      kind: 'call',
      label: 'tools/call count',
      openedAt: NOW - 12,
      traffic: { events: 42, bytes: 12_340, lastAt: NOW - 3, waiting: 5_200 },
    },
    {
      id: 's2',
      grantId: 'g1',
      kind: 'standing',
      label: 'GET',
      openedAt: NOW - 8_000,
      software: { name: 'cursor-vscode', version: '1.4.2' },
      traffic: { events: 0, bytes: 0, waiting: 0 },
    },
    { id: 's3', grantId: 'g2', kind: 'request', label: 'tools/call search_documents', openedAt: NOW - 1 },
  ],
  requests: [
    { at: NOW - 12, clientId: 'pub_1', clientName: 'Cursor', resource: 'https://mcp.example.com/mcp', label: 'tools/call count' },
    { at: NOW - 40, clientId: 'pub_2', resource: 'https://mcp.example.com/mcp', label: 'tools/list', refused: 'limit_exceeded' },
  ],
  events: [
    event(12, 'stream_ended', { ...BY_CAROL.event, reason: 'a call that never came to an end' }),
    event(11, 'signed_in', { actor: 'person', clientName: 'Claude' }),
    event(3, 'grant_ended', { reason: 'refresh_token_reused', clientName: 'Cursor' }),
  ],
  now: NOW,
}

function event(number: number, type: string, more: Partial<PersonView['events'][number]> = {}): PersonView['events'][number] {
  const nothing = { clientId: undefined, clientName: undefined, actor: undefined, reason: undefined }
  const clientId = more.clientName === undefined ? undefined : 'pub_cursor'
  return { number, type, at: NOW - 40_000 + number * 3_000, sub: SUB, ...nothing, clientId, ...more }
}

export const names = new Map([[SUB, { sub: SUB, name: 'Alice Archer', email: 'alice@example.com' }]])

export const overview: OverviewView = {
  connected: 1_204,
  people: 100_000,
  streams: 388,
  load: {
    requests: Array.from({ length: 96 }, (_, at) => Math.round(900 + 800 * Math.sin(at / 9)) + (at % 7) * 40),
    streams: Array.from({ length: 96 }, (_, at) => Math.round(300 + 180 * Math.sin(at / 11))),
  },
  signedIn: [3, 1, 0, 0, 0, 2, 14, 60, 88, 71, 40, 33, 52, 61, 44, 30, 18, 9, 7, 4, 4, 3, 2, 5],
  ended: [0, 0, 0, 0, 0, 0, 2, 4, 3, 9, 1, 0, 2, 30, 4, 2, 1, 0, 0, 0, 0, 1, 0, 1],
  refused: [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  lately: [
    { sub: SUB, name: 'Alice Archer', email: 'alice@example.com', liveGrants: 2, lastSeenAt: NOW - 5, streams: person.streams },
    { sub: 'b'.repeat(43), email: 'bob@example.com', liveGrants: 1, lastSeenAt: NOW - 900, streams: [] },
    { sub: 'c'.repeat(43), liveGrants: 1, lastSeenAt: NOW - 90_000, streams: undefined },
  ],
  events: person.events,
  replacement: { createdAt: NOW - 90_000, by: 'c'.repeat(43), byName: 'carol@example.com' },
  names,
  now: NOW,
}

export const people: PeopleView = {
  search: 'a',
  people: [
    { ...person, liveGrants: 2 },
    { ...person, sub: 'b'.repeat(43), name: undefined, email: 'bob@example.com', blocked: true, liveGrants: 0, groups: [] },
    { ...person, sub: 'm'.repeat(43), name: 'Nightly report', email: undefined, kind: 'machine', liveGrants: 1, groups: [] },
  ],
  known: 100_000,
  isFirst: false,
  next: 'next-page',
  now: NOW,
}

export const clients: ClientsView = {
  search: '',
  clients: [
    {
      id: 'pub_3fbzPa_d8WbX-Km3-2uhJFLqDmTLD2dU5iYLabcdefgh',
      name: 'Cursor',
      redirectUris: ['cursor://anysphere.cursor-mcp/oauth/callback', 'http://localhost:8787/callback'],
      registeredAt: NOW - 900_000,
      usedAt: NOW - 90_000,
      people: 812,
      blocked: undefined,
    },
    {
      id: 'https://claude.ai/oauth/claude-code-client-metadata',
      name: 'Claude Code',
      knownBy: 'document',
      redirectUris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
      registeredAt: NOW - 800_000,
      usedAt: NOW - 9_000,
      people: 12,
      blocked: undefined,
    },
    {
      id: 'nightly-console',
      name: 'Nightly console',
      knownBy: 'settings',
      redirectUris: ['https://console.example.com/cb'],
      registeredAt: 0,
      usedAt: undefined,
      people: 0,
      blocked: undefined,
    },
    {
      id: 'pub_bad',
      name: 'Helpful Assistant',
      redirectUris: ['https://helpful.example/callback'],
      registeredAt: NOW - 90_000,
      usedAt: undefined,
      people: 0,
      blocked: { at: NOW - 100, ...BY_CAROL.receipt, why: 'nobody knows whose it is' },
    },
  ],
  isFirst: true,
  next: 'next-page',
  now: NOW,
}

export const events: EventsView = {
  filter: { type: 'grant_ended', sub: SUB, client: 'pub_cursor' },
  events: [...person.events, event(1, 'everyone_ended', { ...BY_CAROL.event, reason: 'the key leaked' })],
  names,
  isFirst: true,
  next: '3',
  now: NOW,
}

export const receipt: ReceiptView = {
  receipt: {
    id: 'LsXdH4x0Js0_B-mc',
    at: NOW - 60,
    ...BY_CAROL.receipt,
    why: 'left the company',
    action: 'revoke',
    target: { what: 'person', sub: SUB },
    ...ENDED_OF_ONE,
    acknowledgedAt: NOW - 60,
    state: 'done',
  },
  person: { sub: SUB, name: 'Alice Archer', email: 'alice@example.com' },
  failing: [],
}

export const running: ReceiptView = {
  receipt: {
    ...receipt.receipt,
    target: { what: 'everyone' },
    people: { total: 2_000, done: 1_340, failing: 1 },
    grants: 2_610,
    streams: 388,
    unanswered: 0,
    acknowledgedAt: null,
    state: 'retrying',
  },
  person: undefined,
  failing: [{ sub: 'b'.repeat(43), attempts: 3, error: 'no answer in time', nextAt: NOW + 8 }],
}

export const receipts: ReceiptsView = {
  names,
  receipts: [
    running.receipt,
    receipt.receipt,
    { ...receipt.receipt, action: 'block', target: { what: 'client', id: 'pub_bad' } },
  ],
  isFirst: true,
  next: undefined,
  now: NOW,
}

export const confirm: ConfirmView = {
  intent: { action: 'revoke', what: 'everyone' },
  csrf: 'a-csrf-token',
  question: 'Disconnect everybody?',
  effects: ['1 204 people are disconnected from every server.', 'Every open stream is closed.'],
  button: 'Disconnect everybody',
  isHarmless: false,
  back: '/admin',
  typed: 'everybody',
  complaint: 'Nothing was done: type “everybody” if this is what you want.',
}

export const machines: MachinesView = {
  machines: [
    {
      id: 'mch_1',
      sub: 'm'.repeat(43),
      name: 'Nightly report',
      owner: 'Data team',
      prefix: 'q7Yb0aZc',
      scopes: ['mcp', 'admin'],
      resources: [MCP, 'https://mcp.example.com/servers/documents/mcp'],
      expiresAt: NOW + 900_000,
      state: 'active',
      lastUsedAt: NOW - 500,
    },
  ],
  isFirst: true,
  next: undefined,
  resources: [MCP, 'https://mcp.example.com/servers/documents/mcp'],
  csrf: 'a-csrf-token',
  directories: [{ key: 'okta', name: 'Okta' }],
  complaint: 'Nothing was created: give it a name, an owner and a reason.',
  now: NOW,
}

export const newToken: NewTokenView = {
  name: 'Nightly report',
  id: 'mch_1',
  sub: 'm'.repeat(43),
  token: 'tok_q7Yb0aZcq7Yb0aZcq7Yb0aZcq7Yb0aZcq7Yb0aZcq7Yb0aZc',
  receiptId: 'LsXdH4x0Js0_B-mc',
}
