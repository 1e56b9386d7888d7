// POST /chat {"message": "..."} answers with the model's text as it comes. Express 5.
import express from 'express';
import Groq from 'groq-sdk';

const gateway = process.env.SALLYPORT_URL ?? 'http://127.0.0.1:4141';
const groq = new Groq({ baseURL: `${gateway}/p/groq`, apiKey: process.env.SALLYPORT_TOKEN ?? '' });
const model = process.env.MODEL ?? 'openai/gpt-oss-20b';

const app = express();
app.use(express.json({ limit: '16kb' }));

app.post('/chat', async (req, res) => {
  const message = req.body?.message;
  if (typeof message !== 'string' || message === '') {
    res.status(400).json({ error: 'Send {"message": "..."}.' });
    return;
  }
  // Whoever closes the page ends the call, and pays for what came until then.
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  const stream = await groq.chat.completions.create(
    { model, messages: [{ role: 'user', content: message }], max_completion_tokens: 1024, stream: true },
    { signal: gone.signal },
  );
  res.type('text/plain');
  for await (const chunk of stream) res.write(chunk.choices[0]?.delta.content ?? '');
  res.end();
});

// Four parameters make it the handler of errors. What the gateway says is for the log: 402 is a budget, 429 a rate.
app.use((error, _req, res, _next) => {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  console.error('chat failed', error.status, error.message);
  const status = { 402: 503, 429: 429 }[error.status] ?? 502;
  res
    .status(error.expose === true ? error.status : status)
    .json({ error: 'The assistant cannot answer now.' });
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
