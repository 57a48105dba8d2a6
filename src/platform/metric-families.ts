// What is counted: every metric family with its labels, whose values are closed sets. No label holds a person, a client or a tool.
//
// Tools are left out although the conventions name them: a client may call whatever name it makes up, and each would be a series.

interface Family {
  /** As it is exposed, without the suffix of a counter. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds of the buckets in seconds; a counter has none. */
  readonly bounds?: readonly number[]
}

/** OpenTelemetry, semantic conventions for MCP, "Metrics". */
const OPERATION = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
/** A lease lasts ten seconds at most, and a revocation waits no longer than that. */
const REVOCATION = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15]

export const FAMILIES = {
  httpRequests: {
    name: 'mcp_broker_http_requests',
    help: 'HTTP requests that were answered.',
    labels: ['route', 'status'],
  },
  refusals: {
    name: 'mcp_broker_refusals',
    help: 'Requests that were refused, by the code in the answer.',
    labels: ['code'],
  },
  serverOperations: {
    name: 'mcp_server_operation_duration_seconds',
    help: 'MCP requests and notifications of clients, until their result was sent.',
    labels: ['mcp_method_name', 'error_type', 'server'],
    bounds: OPERATION,
  },
  clientOperations: {
    name: 'mcp_client_operation_duration_seconds',
    help: 'The same toward the MCP server, from when it was asked.',
    labels: ['mcp_method_name', 'error_type', 'server'],
    bounds: OPERATION,
  },
  serverSessions: {
    name: 'mcp_server_session_duration_seconds',
    help: 'MCP sessions of clients, from initialize to their end.',
    labels: ['error_type', 'server'],
    bounds: OPERATION,
  },
  clientSessions: {
    name: 'mcp_client_session_duration_seconds',
    help: 'The same at the MCP server, where it keeps sessions.',
    labels: ['error_type', 'server'],
    bounds: OPERATION,
  },
  revocations: {
    name: 'mcp_broker_revocation_duration_seconds',
    help: 'How long it took until access that was ended was over everywhere.',
    labels: ['what'],
    bounds: REVOCATION,
  },
  signals: {
    name: 'mcp_broker_signals',
    help: 'Security signals of identity systems.',
    labels: ['door', 'outcome'],
  },
  objectWakes: {
    name: 'mcp_broker_object_wakes',
    help: 'Durable Objects that started.',
    labels: ['object'],
  },
  spans: {
    name: 'mcp_broker_spans',
    help: 'Spans for the OTLP endpoint: exported, dropped because there were too many, or failed to arrive.',
    labels: ['outcome'],
  },
  seriesDropped: {
    name: 'mcp_broker_series_dropped',
    help: 'What was not counted because there were too many series already.',
    labels: [],
  },
} as const satisfies Readonly<Record<string, Family>>

export type FamilyName = keyof typeof FAMILIES
export type HistogramName = 'serverOperations' | 'clientOperations' | 'serverSessions' | 'clientSessions' | 'revocations'

/** The family by the name it has here. */
export const KNOWN_FAMILIES: ReadonlyMap<string, Family> = new Map(Object.entries(FAMILIES))

export const GAUGES = {
  streamsOpen: { name: 'mcp_broker_streams_open', help: 'Streams that are open, as last told by the people’s objects.' },
  leasesOut: { name: 'mcp_broker_leases_out', help: 'Leases that isolates held when they last reported.' },
  isolatesReporting: { name: 'mcp_broker_isolates_reporting', help: 'Isolates that reported within the last minute.' },
} as const

export type GaugeName = keyof typeof GAUGES
