// Every door that strangers' text comes in by.
import { challenge, challengeText } from './challenges.ts'
import { clientDocument } from './client-documents.ts'
import { jsonRpcBody } from './json-rpc-body.ts'
import { redirectUris } from './redirect-uris.ts'
import { sealedValues } from './sealed-values.ts'
import { metadata, tokenAnswer } from './server-documents.ts'
import { settingsJson } from './settings-json.ts'
import { sseReader, sseWriter } from './sse-reader.ts'
import type { FuzzTarget } from './target.ts'
import { toolList, toolListText } from './tool-list.ts'

export const TARGETS: readonly FuzzTarget[] = [
  jsonRpcBody,
  sseReader,
  sseWriter,
  toolList,
  toolListText,
  challenge,
  challengeText,
  metadata,
  tokenAnswer,
  clientDocument,
  sealedValues,
  redirectUris,
  settingsJson,
]
