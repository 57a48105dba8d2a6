// The pages of the portal and the account page: in a company at work, where there is nothing yet, and where everything is too long.
import { accountPage, type AccountView } from '../../../../src/pages/account.tsx'
import { clientsPage } from '../../../../src/pages/portal/clients.tsx'
import { confirmPage } from '../../../../src/pages/portal/confirm.tsx'
import { connectPage } from '../../../../src/pages/portal/connect.tsx'
import { eventsPage } from '../../../../src/pages/portal/events.tsx'
import { machinesPage, newTokenPage } from '../../../../src/pages/portal/machines.tsx'
import { overviewPage, type OverviewView } from '../../../../src/pages/portal/overview.tsx'
import { peoplePage } from '../../../../src/pages/portal/people.tsx'
import { personPage, type PersonView } from '../../../../src/pages/portal/person.tsx'
import { signalsPage, type SignalsView } from '../../../../src/pages/portal/signals.tsx'
import { receiptPage, type ReceiptView } from '../../../../src/pages/portal/receipt.tsx'
import { receiptsPage } from '../../../../src/pages/portal/receipts.tsx'
import { sealingKeyPage } from '../../../../src/pages/portal/sealing-key.tsx'
import { recordingPage } from '../../../../src/pages/portal/recording.tsx'
import { setupsFor } from '../../../../src/pages/setups.ts'
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
} from './examples.ts'
import { recording, sealingKey } from './recording-examples.ts'

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
  replacement: undefined,
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

const connect = {
  servers: [MCP, 'https://mcp.example.com/servers/documents/mcp'].map((url) => ({
    url,
    name: 'Documents',
    setups: setupsFor(url),
  })),
  eras: new Map([
    [MCP, { era: 'modern', askedAt: undefined }],
    ['https://mcp.example.com/servers/documents/mcp', { era: 'legacy', askedAt: NOW - 90 }],
  ] as const),
  now: NOW,
}

/** Pages of administrators, by a name for their pictures. */
const BROKER = 'https://mcp.example.com'
const signalled: ReceiptView = {
  ...receipt,
  receipt: {
    ...receipt.receipt,
    by: 'signal:https://acme.okta.com',
    byName: 'Okta',
    why: 'session-revoked, 24c63fb56e5a2d77a6b512616ca9fa24',
    signal: {
      door: 'shared-signals',
      issuer: 'https://acme.okta.com',
      jti: '24c63fb56e5a2d77a6b512616ca9fa24',
      event: 'session-revoked',
      txn: 'txn-1',
      receivedAt: NOW * 1000 - 41,
      silentAt: NOW * 1000,
    },
  },
}
const signals: SignalsView = {
  providers: [
    {
      provider: 'oauth',
      name: 'acme.okta.com',
      doors: [
        { door: 'backchannel-logout', isOpen: true, address: `${BROKER}/backchannel-logout` },
        {
          door: 'global-token-revocation',
          isOpen: true,
          address: `${BROKER}/global-token-revocation`,
          last: { event: 'global-token-revocation', jti: 'logout-1', at: NOW - 90 },
        },
        {
          door: 'shared-signals',
          isOpen: true,
          address: `${BROKER}/security-events/oauth`,
          last: { event: 'session-revoked', jti: '24c63fb5', at: NOW - 4_000 },
        },
        { door: 'scim', isOpen: true, address: `${BROKER}/scim/v2` },
      ],
      transmitter: 'https://acme.okta.com/',
      stream: { delivery: 'poll', status: 'enabled', askedAt: NOW - 9_000, verifiedAt: NOW - 8_990, polledAt: NOW - 12 },
    },
    {
      provider: 'partners',
      name: '<img src=x onerror=alert(1)>',
      doors: [{ door: 'shared-signals', isOpen: false, address: `${BROKER}/security-events/partners` }],
      transmitter: 'https://sso.partners.example/realms/with-a-name-that-is-longer-than-most-people-would-give-to-a-realm',
      stream: { delivery: 'push', status: 'paused', problem: 'the verification was answered 403' },
    },
  ],
  servers: [{ name: 'browser', title: 'Remote browser', url: 'https://browser.internal/events' }],
  notice: { text: 'The transmitter was asked for a verification: it shows here when it has come.', isGood: true },
  csrf: 'a-csrf-token',
  now: NOW,
}
const freshSignals: SignalsView = {
  ...signals,
  providers: [
    {
      provider: 'oauth',
      name: 'idp.example.com',
      doors: [{ door: 'backchannel-logout', isOpen: true, address: `${BROKER}/backchannel-logout` }],
      transmitter: 'https://idp.example.com',
    },
  ],
  servers: [],
  notice: { text: 'the stream was answered 401', isGood: false },
}

export const PORTAL_EXAMPLES: Readonly<Record<string, string>> = {
  overview: overviewPage(overview),
  people: peoplePage(people),
  person: personPage(person),
  'person-blocked': personPage({ ...person, blocked: true, grants: [], streams: [], events: [] }),
  clients: clientsPage(clients),
  events: eventsPage(events),
  receipt: receiptPage(receipt),
  'receipt-running': receiptPage(running),
  'receipt-signal': receiptPage(signalled),
  signals: signalsPage(signals),
  'signals-fresh': signalsPage(freshSignals),
  receipts: receiptsPage(receipts),
  confirm: confirmPage(confirm),
  machines: machinesPage(machines),
  'new-token': newTokenPage(newToken),
  connect: connectPage(connect),
  recording: recordingPage(recording),
  'recording-off': recordingPage({ ...recording, terms: undefined, entries: [], complaint: 'Nothing was switched on: say why.' }),
  'recording-bare': recordingPage({ ...recording, terms: undefined, entries: [], sealingKey: undefined }),
  'sealing-key': sealingKeyPage(sealingKey),
  'first-time-set-up': sealingKeyPage({ ...sealingKey, keys: [] }),
  'sealing-key-late': sealingKeyPage({ ...sealingKey, signInAt: '/admin/sealing-key/sign-in' }),
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
