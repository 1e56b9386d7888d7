/**
 * The names of the GenAI semantic conventions (OpenTelemetry, status: development), in one place because they still change. What they have no
 * name for is under `sallyport.`.
 */

/** Of `gen_ai.operation.name`. A list of models is no operation that the conventions know. */
const OPERATIONS: Readonly<Record<string, string>> = { 'chat/completions': 'chat', models: 'list_models' };

export function operationOf(endpoint: string): string {
  return OPERATIONS[endpoint] ?? endpoint;
}

/** The providers' ids are those of the conventions so far (`groq`, `openai`). */
export const PROVIDER_NAME = 'gen_ai.provider.name';
export const OPERATION_NAME = 'gen_ai.operation.name';
export const REQUEST_MODEL = 'gen_ai.request.model';
export const RESPONSE_MODEL = 'gen_ai.response.model';
export const INPUT_TOKENS = 'gen_ai.usage.input_tokens';
export const CACHED_INPUT_TOKENS = 'gen_ai.usage.cache_read.input_tokens';
export const OUTPUT_TOKENS = 'gen_ai.usage.output_tokens';
export const TOKEN_TYPE = 'gen_ai.token.type';
export const ERROR_TYPE = 'error.type';

export const OPERATION_DURATION = 'gen_ai.client.operation.duration';
export const TOKEN_USAGE = 'gen_ai.client.token.usage';

/** Recommended bounds. */
export const TOKEN_BOUNDS = [
  1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
] as const;
