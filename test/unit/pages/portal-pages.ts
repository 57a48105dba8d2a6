// The pages of the portal and the account page: in a company at work, where there is nothing yet, and where everything is too long.
import { accountPage, type AccountView } from '../../../src/pages/account.tsx'
import { clientsPage } from '../../../src/pages/portal/clients.tsx'
import { confirmPage } from '../../../src/pages/portal/confirm.tsx'
import { connectPage } from '../../../src/pages/portal/connect.tsx'
import { eventsPage } from '../../../src/pages/portal/events.tsx'
import { machinesPage, newTokenPage } from '../../../src/pages/portal/machines.tsx'
import { overviewPage, type OverviewView } from '../../../src/pages/portal/overview.tsx'
import { peoplePage } from '../../../src/pages/portal/people.tsx'
import { personPage, type PersonView } from '../../../src/pages/portal/person.tsx'
import { receiptPage } from '../../../src/pages/portal/receipt.tsx'
import { receiptsPage } from '../../../src/pages/portal/receipts.tsx'
import { recordingPage, type RecordingView } from '../../../src/pages/portal/recording.tsx'
import { setupsFor } from '../../../src/pages/setups.ts'
import {
  clients,
  confirm,
  events,
  machines,
  MCP,
  newToken,
  NOW,
  overview,
  people,
  person,
  receipt,
  receipts,
  running,
  SUB,
} from './portal-examples.ts'

export const account: AccountView = {
  ...person,
  isAdministrator: true,
  otherBrowsers: 1,
  servers: [{ url: MCP, name: 'Acme Documents' }],
  csrf: 'a-csrf-token',
  ended: { grants: 1, streams: 2, acknowledgedAt: NOW - 3 },
  recording: { by: 'c'.repeat(43), byName: 'carol@example.com', bodies: false, until: NOW + 900 },
}

const DAY = Array.from({ length: 96 }, () => 0)

const nothing: OverviewView = {
  ...overview,
  connected: 0,
  people: 0,
  streams: 0,
  load: { requests: DAY, streams: DAY },
  signedIn: DAY.slice(0, 24),
  ended: DAY.slice(0, 24),
  refused: DAY.slice(0, 24),
  lately: [],
  events: [],
}

const LONG = 'Wolfeschlegelsteinhausenbergerdorff'

const crowded: PersonView = {
  ...person,
  name: `${LONG} ${LONG} senior`,
  email: `${LONG}.${LONG}@subsidiary-of-a-very-large-company.example`,
  groups: Array.from({ length: 30 }, (_, n) => `group-with-a-long-name-${n}`),
  grants: person.grants.map((grant) => ({ ...grant, clientName: `${LONG} for Visual Studio Code Insiders` })),
  streams: person.streams.map((stream) => ({
    ...stream,
    label: `tools/call ${'a_tool_with_a_name_of_many_words_'.repeat(4)}`,
    software: { name: `${LONG}-${LONG}`, version: '2026.11.21-nightly.1234567890' },
    traffic: { events: 12_345_678, bytes: 98_765_432_100, lastAt: NOW - 700, waiting: 8_388_608 },
  })),
}

const entry = {
  at: NOW * 1_000,
  kind: 'exchange',
  era: 'modern',
  verb: 'POST',
  requestId: '5a0f9a6e-7d0f-4d26-9a27-6d1e2f3b4c5d',
} as const

const recording: RecordingView = {
  sub: SUB,
  name: person.name,
  email: person.email,
  grants: person.grants,
  terms: { bodies: true, by: 'c'.repeat(43), byName: 'carol@example.com', until: NOW + 900 },
  entries: [
    { ...entry, number: 1, method: 'tools/list', status: 200, durationMs: 41, requestBytes: 180, answerBytes: 8_400 },
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
      request: '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"count","arguments":{"to":1000}}}',
    },
  ],
  csrf: 'a-csrf-token',
  complaint: undefined,
}

const connect = {
  servers: [MCP, 'https://mcp.example.com/servers/documents/mcp'].map((url) => ({
    url,
    name: 'Documents',
    setups: setupsFor(url),
  })),
}

/** Pages of administrators, by a name for their pictures. */
export const PORTAL_EXAMPLES: Readonly<Record<string, string>> = {
  overview: overviewPage(overview),
  people: peoplePage(people),
  person: personPage(person),
  'person-blocked': personPage({ ...person, blocked: true, grants: [], streams: [], events: [] }),
  clients: clientsPage(clients),
  events: eventsPage(events),
  receipt: receiptPage(receipt),
  'receipt-running': receiptPage(running),
  receipts: receiptsPage(receipts),
  confirm: confirmPage(confirm),
  machines: machinesPage(machines),
  'new-token': newTokenPage(newToken),
  connect: connectPage(connect),
  recording: recordingPage(recording),
  'recording-off': recordingPage({ ...recording, terms: undefined, entries: [], complaint: 'Nothing was switched on: say why.' }),
  'person-long': personPage(crowded),
  'overview-nothing': overviewPage(nothing),
  'people-nobody': peoplePage({ search: '', people: [], known: 0, isFirst: true, next: undefined, now: NOW }),
}

/** Pages of one's own. */
export const OWN_EXAMPLES: Readonly<Record<string, string>> = {
  account: accountPage(account),
  'account-nothing': accountPage({
    ...account,
    isAdministrator: false,
    otherBrowsers: 0,
    grants: [],
    streams: [],
    ended: undefined,
    recording: undefined,
  }),
}
