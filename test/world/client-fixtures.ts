// How clients introduce themselves that register, and where they really want to be called back: as seen on the wire, quirks included.

export interface DesktopClient {
  readonly name: string
  /** The body of its registration. */
  readonly registration: { readonly redirect_uris: readonly string[]; readonly [member: string]: unknown }
  /** What it names at /authorize afterwards; a port is found only when the sign-in begins. */
  readonly redirectUri: string
  readonly authorize?: Readonly<Record<string, string>>
}

const GRANTS = ['authorization_code', 'refresh_token']

export const DESKTOP_CLIENTS: readonly DesktopClient[] = [
  {
    // Three kinds of address in one registration, as a web application; strict servers refuse the first.
    name: 'Cursor',
    registration: {
      client_name: 'Cursor',
      client_uri: 'https://cursor.com',
      redirect_uris: [
        'cursor://anysphere.cursor-mcp/oauth/callback',
        'https://www.cursor.com/agents/mcp/oauth/callback',
        'http://localhost:8787/callback',
      ],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
    },
    redirectUri: 'cursor://anysphere.cursor-mcp/oauth/callback',
  },
  {
    // It registers one port and takes another when that is busy; the device grant is asked for everywhere.
    name: 'VS Code',
    registration: {
      client_name: 'Visual Studio Code',
      client_uri: 'https://code.visualstudio.com',
      redirect_uris: [
        'https://insiders.vscode.dev/redirect',
        'https://vscode.dev/redirect',
        'http://127.0.0.1/',
        'http://127.0.0.1:33418/',
      ],
      grant_types: [...GRANTS, 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    redirectUri: 'http://127.0.0.1:49201/',
  },
  {
    // A hosted client: no type, and both of its names.
    name: 'Claude',
    registration: {
      client_name: 'Claude',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'mcp offline_access',
    },
    redirectUri: 'https://claude.com/api/mcp/auth_callback',
  },
  {
    // A registration, and so a callback, for each connector.
    name: 'ChatGPT',
    registration: {
      client_name: 'ChatGPT',
      client_uri: 'https://chatgpt.com/',
      redirect_uris: ['https://chatgpt.com/connector/oauth/kDmjx77UnKOM'],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'https://chatgpt.com/connector/oauth/kDmjx77UnKOM',
  },
  {
    // A program that says nothing of its kind and is only ever on this computer.
    name: 'OpenCode',
    registration: {
      client_name: 'OpenCode',
      client_uri: 'https://opencode.ai',
      redirect_uris: ['http://127.0.0.1:19876/mcp/oauth/callback'],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'http://127.0.0.1:19876/mcp/oauth/callback',
  },
  {
    // One registration serves many sign-ins, each on whatever port is free then.
    name: 'Claude Code',
    registration: {
      client_name: 'Claude Code (example)',
      redirect_uris: ['http://localhost:3118/callback'],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'mcp offline_access',
    },
    redirectUri: 'http://localhost:60321/callback',
    authorize: { scope: 'mcp offline_access', prompt: 'consent' },
  },
]
