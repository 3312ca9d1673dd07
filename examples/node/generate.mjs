// node examples/node/generate.mjs MODEL "Once upon a time"
import { Trit } from 'trit';

const [path, prompt = 'Once upon a time'] = process.argv.slice(2);
const model = await Trit.load(path);
process.stdout.write(prompt);
for await (const piece of model.generate(prompt, { maxTokens: 100, temperature: 0.7 }))
    process.stdout.write(piece);
process.stdout.write('\n');
model.close();
