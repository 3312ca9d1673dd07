// node examples/node/chat.mjs MODEL: two questions, and what the engine had not to compute again
import { Trit } from 'trit';

const model = await Trit.load(process.argv[2]);
const chat = model.chat({ system: 'Be brief.' });
for (const question of ['Tell me a story.', 'And then?']) {
    const { text, usage } = await chat.send(question, { maxTokens: 40, seed: 1 }).result;
    process.stdout.write(`> ${question}\n${text}\n(${usage.cachedTokens} tokens were known)\n`);
}
model.close();
