/** Every default of the JavaScript side, in one place. */
export const defaults = Object.freeze({
    /** `null`: until the context is full. */
    maxTokens: null,
    temperature: 0.8,
    topK: 40,
    topP: 0.95,
    minP: 0,
    repeatPenalty: 1,
    frequencyPenalty: 0,
    presencePenalty: 0,
    /** How many of the last tokens the penalties look at; -1 is all of them. */
    penaltyLast: 64,
    kv: 'f16',
    /** Share of zero weights in a model of random weights: by Microsoft's "Training Tips, Code and
     * FAQ" the three values come out about equally often; published models have 0.30 to 0.42. */
    zeros: 1 / 3,
    /** Tokens of a prompt that are computed together. */
    slice: 64,
    /** Milliseconds of computing between two looks at the message queue. */
    budgetMs: 25,
    /** Threads beyond this many seldom help, since memory is the limit. */
    threads: 8,
    /** The engine's own limit; needed before the engine, whose threads start with it. */
    maxThreads: 64,
    /** Milliseconds that work has to stop in, before its engine is ended. */
    stopMs: 2000,
    /** Milliseconds that threads have to start in, before the engine does without them. */
    startMs: 30_000,
    /** How often in a row an engine is started again that crashes before it has answered anything. */
    restarts: 3,
    /** Bytes of a model that are handed over at once. */
    chunkBytes: 4 * 1024 * 1024,
    /** Bytes of the file in a record of the store, as large as all browsers take without doubt. */
    recordBytes: 16 * 1024 * 1024,
    /** Where hf: and catalog: lead. */
    hub: 'https://huggingface.co',
    /** How a download goes, and goes on when it breaks off: see Patience in fetching.js. */
    network: Object.freeze({
        askedBytes: 64 * 1024 * 1024,
        stallMs: 30_000,
        delayMs: 1000,
        mostDelayMs: 60_000,
        tries: 10,
        firstTries: 4,
    }),
});
