// Process that puts servers under load.
import { answerParent } from '../child.ts';
import { loadHandlers } from './load.ts';

answerParent(loadHandlers());
