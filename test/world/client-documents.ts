// Client ID Metadata Documents as their owners publish them, fields and quirks included; `client_id` is left to whoever serves them.

export interface DocumentClient {
  readonly name: string
  /** Where it is published. */
  readonly id: string
  /** Without `client_id`, which has to be the address it is served at. */
  readonly document: { readonly redirect_uris: readonly string[]; readonly [member: string]: unknown }
  /** What it names at /authorize. */
  readonly redirectUri: string
  readonly authorize?: Readonly<Record<string, string>>
  /** What a broker asks of it that could do both. */
  readonly authMethod: 'none' | 'private_key_jwt'
  /** It signs where it may. */
  readonly signsWith?: 'RS256' | 'ES256'
}

const GRANTS = ['authorization_code', 'refresh_token']

export const DOCUMENT_CLIENTS: readonly DocumentClient[] = [
  {
    // It begins at a fixed port and takes any other when that is busy; the device grant is asked for everywhere.
    name: 'Visual Studio Code',
    id: 'https://vscode.dev/oauth/client-metadata.json',
    document: {
      client_name: 'Visual Studio Code',
      client_uri: 'https://vscode.dev/product',
      logo_uri: 'https://code.visualstudio.com/assets/branding/code-stable.png',
      redirect_uris: ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
      grant_types: [...GRANTS, 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    redirectUri: 'http://127.0.0.1:52143/',
    authMethod: 'none',
  },
  {
    name: 'Claude',
    id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
    document: {
      client_name: 'Claude',
      client_uri: 'https://claude.ai',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
      grant_types: [...GRANTS, 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'https://claude.ai/api/mcp/auth_callback',
    authMethod: 'none',
  },
  {
    // Without a port, although it never calls back without one.
    name: 'Claude Code',
    id: 'https://claude.ai/oauth/claude-code-client-metadata',
    document: {
      client_name: 'Claude Code',
      client_uri: 'https://claude.ai',
      redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'http://localhost:55611/callback',
    authorize: { scope: 'mcp offline_access', prompt: 'consent' },
    authMethod: 'none',
  },
  {
    // Prefers its keys and could do without them; signs wherever private_key_jwt is offered.
    name: 'ChatGPT',
    id: 'https://chatgpt.com/oauth/client.json',
    document: {
      client_name: 'ChatGPT',
      client_uri: 'https://chatgpt.com/',
      logo_uri: 'https://persistent.oaistatic.com/sonic/misc/openai-logo.png',
      redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
      token_endpoint_auth_signing_alg: 'RS256',
      jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
    },
    redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
    authMethod: 'none',
    signsWith: 'RS256',
  },
  {
    // As ChatGPT's documents were before they offered anything else.
    name: 'ChatGPT (developer mode)',
    id: 'https://chatgpt.com/oauth/kDmjx77UnKOM/client.json',
    document: {
      client_name: 'ChatGPT (developer mode)',
      client_uri: 'https://chatgpt.com/',
      redirect_uris: ['https://chatgpt.com/connector/oauth/kDmjx77UnKOM'],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'RS256',
      jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
    },
    redirectUri: 'https://chatgpt.com/connector/oauth/kDmjx77UnKOM',
    authMethod: 'private_key_jwt',
    signsWith: 'RS256',
  },
  {
    name: 'Codex',
    id: 'https://chatgpt.com/oauth/codex/client.json',
    document: {
      client_name: 'Codex',
      redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    redirectUri: 'http://127.0.0.1:37819/callback',
    authMethod: 'none',
  },
]
