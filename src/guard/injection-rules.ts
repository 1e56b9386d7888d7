/**
 * Phrases by which a text tries to become an instruction: of several languages, as patterns over letters (normalise.ts), so that case, spaces
 * and disguises do not matter. Every repetition is bounded and every pattern begins with a word, so no text makes the search slow. A list of
 * phrases finds who uses them, and nobody else: docs/guide/templates.md says how much that is.
 */
import { lettersOf } from './normalise.ts';

export interface InjectionRule {
  /** Stands in entries. */
  readonly id: string;
  /** Letters of which one is in every match: a text without them need not be searched. */
  readonly stems: readonly string[];
  readonly pattern: RegExp;
  /** Begins and ends with a word of the text. Not for scripts that do not part words. */
  readonly wholeWords: boolean;
}

type Row = readonly [id: string, stems: string, source: string];

/** Words, with bars between them, that one of follows. */
const DROP = 'ignore|disregard|forget|overlook|neglect|override|bypass|skip|dismiss|discard|omit';
const FILLER =
  'all|any|every|everything|each|the|of|these|those|this|that|your|my|our|other|and|about|above|you|have|has|been|were|was|are|got|received|given|told|ever|currently|now|completely|entirely|please|just';
const EARLIER =
  'previous|previously|prior|above|earlier|preceding|former|foregoing|past|initial|initially|original|existing|current|old|first|last|before|system|developer|safety|default';
const ORDERS =
  'instructions?|prompts?|rules?|directions?|directives?|guidelines?|guidance|orders?|commands?|constraints?|restrictions?|limitations?|policy|policies|programming|training|context|conversation|messages?|requests?|tasks?';
const SHOW =
  'reveal|show|print|repeat|output|display|disclose|tell|give|write|return|leak|dump|expose|share|spell|recite|quote|copy|paste|summari[sz]e|translate|list|provide|say|type|echo|read';
const SHOW_FILLER =
  'me|us|out|back|the|your|all|of|full|entire|complete|whole|exact|actual|verbatim|wordforword|contents?|text|above|own|very|please|now|everything|in|from|to|with|a|copy|any';
const SECRET = 'system|initial|initialization|original|hidden|secret|developer|internal|confidential';
const PROMPT = 'prompt|instruction|directive|configuration|message|guideline';

const OVERRIDE: readonly Row[] = [
  ['override', DROP, `(?:${DROP})(?:${FILLER}){0,6}(?:${EARLIER})(?:${FILLER}|${EARLIER}){0,4}(?:${ORDERS})`],
  [
    'override',
    DROP,
    `(?:${DROP})(?:${FILLER}){0,4}(?:${ORDERS})(?:${FILLER}|that|which|from|in){0,6}(?:above|before|earlier|previously|sofar|priortothis|uptonow|uptothispoint)`,
  ],
  [
    'override',
    DROP,
    `(?:${DROP})(?:all|any|every|everything|anything|whatever|what)(?:that|of|which)?(?:you|i|we|they)?(?:have|ve|had|has)?(?:been|were|was)?(?:ever)?(?:just)?(?:told|said|instructed|taught|given|learned|asked|programmed)(?:you|to|about|todo|before|above|earlier|previously|sofar|priortothis){0,2}`,
  ],
  [
    'override',
    'ignore|disregard|forget',
    '(?:ignore|disregard|forget)(?:all|everything|anything|whatever)(?:of)?(?:the)?(?:above|before|beforethis|previous|prior|earlier|wehave)',
  ],
  [
    'override',
    'ignore|disregard|forget|override|bypass',
    '(?:ignore|disregard|forget|override|bypass)(?:all|any|of|about){0,3}your(?:own|safety|content|ethical|current){0,2}(?:instructions?|programming|guidelines?|directives?|rules|prompt|restrictions?|filters?)',
  ],
  [
    'override',
    'donot|dont|never|stop|nolonger|youmustnot|noneedto',
    `(?:donot|dont|never|stop|nolonger|youmustnot|noneedto)(?:follow|following|obey|obeying|adhereto|complywith|listento|heed)(?:${FILLER}){0,4}(?:${EARLIER})?(?:${ORDERS})`,
  ],
  [
    'override',
    'new|updated|real|true|actual',
    '(?:your|the|these|hereare)(?:new|updated|real|true|actual)(?:system)?(?:instructions?|directives?|orders?|prompt)(?:are|is|now|follow|asfollows)',
  ],
];

const REVEAL: readonly Row[] = [
  [
    'reveal',
    PROMPT,
    `(?:${SHOW})(?:${SHOW_FILLER}){0,7}(?:${SECRET})(?:system|hidden|secret|developer|and|or){0,2}(?:prompts?|instructions?|directives?|configuration|message)`,
  ],
  [
    'reveal',
    PROMPT,
    `(?:${SHOW})(?:me|us|out|back|all|of|the|full|entire|complete|exact|everything|verbatim|please){0,5}your(?:full|entire|complete|exact|own|current|given|previous|actual){0,2}(?:prompts?|instructions|directives|guidelines|systemmessage)`,
  ],
  [
    'reveal',
    PROMPT,
    `(?:what|which)(?:is|are|was|were|s)(?:in)?your(?:exact|full|original|current|own){0,2}(?:${SECRET})(?:prompts?|instructions?|message|directives)`,
  ],
  [
    'reveal',
    'above|before|preceding',
    '(?:repeat|print|output|copy|paste|translate|summari[sz]e|return|show)(?:me|back|all|of|the|every|everything|exact|exactly){0,4}(?:words?|text|texts|lines?|sentences?|contents?|everything|messages?)(?:that|which|is|are|was|were|written|of){0,2}(?:above|before(?:this|thismessage)|precedingthis)',
  ],
];

const FREE =
  'dan|doanythingnow|jailbroken|unrestricted|unfiltered|uncensored|amoral|evilbot|freefromall|withno(?:rules|limits|restrictions|filters)|without(?:any)?(?:rules|limits|restrictions|filters|morals|ethics|guidelines|censorship)';
const PERSONA: readonly Row[] = [
  [
    'persona',
    'dan|jailb|unrestrict|unfilter|uncensor|amoral|evil|anythingnow|freefrom|withno|without',
    `(?:youare|youre|beinga?|become|becoming|actas|actlike|pretendtobe|pretendyouare|playasa?|simulatea?|roleplayas)(?:now|going|to|be|a|an|an?ai|the|asan?|like|language|model|chatbot|assistant|called|named){0,6}(?:${FREE})`,
  ],
  ['persona', 'doanythingnow', 'doanythingnow'],
  [
    'persona',
    'mode',
    '(?:enable|enabled|enter|entering|activate|activated|turnon|switchto|switchinto|unlock|youarein|nowin|goto|startin|bein)(?:the|a|your|into|to|now|in){0,3}(?:developer|dev|debug|god|admin|administrator|root|sudo|jailbreak|jailbroken|dan|unrestricted|unfiltered|uncensored|opposite|evil)mode',
  ],
  [
    'persona',
    'mode',
    '(?:developer|jailbreak|dan|god|unrestricted)mode(?:is|now|has|been){0,2}(?:enabled|activated|on)',
  ],
  [
    'persona',
    'restriction|limitation|guideline|policy|policies|filter|censorship|confines',
    '(?:freed?|freedom|liberated|released|unbound|broken?free|outside|notbound)(?:from|of|by)(?:all|any|the|your|these|typical|usual|confines|of|ai){0,5}(?:ai|openai|content|ethical|moral|safety|usage)?(?:restrictions?|limitations?|guidelines?|policy|policies|filters?|censorship|confines)',
  ],
  [
    'persona',
    'refuse|reject|decline',
    '(?:never|donot|dont|cannot|cant|mustnot|willnot|wont|shouldnot)(?:ever)?(?:refuse|reject|decline)(?:to|a|an|any|the|my|direct|human|user|answer|request|requests|order|orders|questions?){0,6}(?:answer|requests?|orders?|questions?|anything|commands?|comply|tasks?)',
  ],
];

/** Other languages, known by verb and noun. */
const ELSEWHERE: readonly Row[] = [
  [
    'override-de',
    'ignorier|vergiss|vergess|missacht|ubergeh|uebergeh|ubersieh|uberspring',
    '(?:ignorier(?:e|en|t)?|vergiss|vergessen|vergesst|missachten?|missachte|uebergehe|ubergehe|ubersieh|uberspringe)(?:sie|bitte|alle|alles|allen|aller|die|das|was|deine|deinen|ihre|meine|diese|vorherigen|vorherige|vorangegangenen|bisherigen|bisherige|fruheren|fruhere|obigen|obige|vorigen|zuvor|bisher|dir|ihnen|gegebenen){1,6}(?:anweisungen|anweisung|instruktionen|regeln|befehle|vorgaben|richtlinien|gesagt|gesagte|aufgetragen|angewiesen|direktiven)',
  ],
  [
    'override-fr',
    'ignore|oublie|neglige',
    '(?:ignore[zrs]?|oublie[zrs]?|neglige[zrs]?)(?:toutes|tous|tout|les|le|la|tes|vos|mes|ces|ce|que|qui|vous|tu|on|ta|as|a|avez|avons|ete|t|te|deja|recu|des|anciennes|precedentes|instructions|consignes|directives|regles|ordres|dit|dites?|donnees|indique){1,10}(?:precedentes|precedents|anterieures|initiales|ci?dessus|auparavant|jusquici|instructions|consignes|directives|indique|ordonne)',
  ],
  [
    'override-es',
    'ignor|olvid|descart|omit',
    '(?:ignora|ignore|ignorar|ignoren|olvida|olvide|olviden|descarta|descarte|omite)(?:todo|todos|todas|toda|lo|las|los|la|tus|sus|mis|estas|que|te|se|le|ha|han|he|sido|dicho|de|instrucciones|ordenes|reglas|indicaciones|directivas|anteriores|previas){1,9}(?:anteriores|anterior|previas|previos|antes|arriba|dicho|instruido|indicado|hastaahora|instrucciones|ordenes|directivas)',
  ],
  [
    'override-pt',
    'ignor|esque|desconsider|negligenci',
    '(?:ignore|ignora|ignorar|ignorem|esqueca|esquece|esquecam|desconsidere|desconsidera|desconsiderem|negligencie)(?:tudo|todos|todas|o|a|os|as|suas|tuas|minhas|essas|que|te|lhe|foi|foram|dito|voce|instrucoes|ordens|regras|diretrizes|diretivas|anteriores|previas){1,9}(?:anteriores|anterior|previas|antes|acima|dito|dita|instruido|instruida|instrucoes|ordens|diretrizes|diretivas)',
  ],
  [
    'override-it',
    'ignor|dimentic|trascur',
    '(?:ignora|ignori|ignorate|dimentica|dimentichi|dimenticate|trascura)(?:tutto|tutte|tutti|le|la|i|gli|cio|quello|che|tue|sue|mie|queste|ti|vi|e|stato|istruzioni|regole|ordini|direttive|precedenti|detto){1,8}(?:precedenti|precedente|sopra|prima|detto|dette|istruzioni|direttive|insegnato)',
  ],
  [
    'override-nl',
    'negeer|vergeet',
    '(?:negeert?|vergeet)(?:alle|alles|de|het|je|jouw|uw|mijn|wat|eerdere|vorige|voorgaande|bovenstaande){1,5}(?:instructies|aanwijzingen|regels|opdrachten|richtlijnen|gezegd|verteld)',
  ],
  [
    'override-ru',
    'игнорир|забуд|забыт|пренебрег|отброс',
    '(?:про)?(?:игнорируй|игнорировать|забудь|забыть|пренебреги|отбрось|неучитывай)(?:те)?(?:все|о|обо|про|те|твои|ваши|мои|эти|что|вам|тебе|тебя|ранее|до|этого|предыдущие|предыдущих|прошлые|прежние|прежних|данные|были|было){1,8}(?:инструкци(?:и|я|й|ю|е|ях)|указани(?:я|й|е|ях)|правила|правилах|команды|командах|директивы|приказы|говорили|сказали|сказано|сказанное|научили|учили)',
  ],
  [
    'override-pl',
    'ignoruj|zapomnij|pomin',
    '(?:zignoruj|zignorujcie|ignoruj|zapomnij|zapomnijcie|pomin)(?:wszystko|wszystkie|wszystkich|o|poprzednie|poprzednich|wczesniejsze|wczesniejszych|swoje|twoje|te|co|ci|powiedziano){1,6}(?:instrukcje|instrukcji|instrukcjach|polecenia|polecen|poleceniach|zasady|powiedziano)',
  ],
  [
    'override-tr',
    'talimat|yonerge|kural|hersey',
    '(?:onceki|yukaridaki|once|tum|butun)(?:verilen|ki|tum|butun|onceki|sana|size|soylenen){0,5}(?:talimatlari|talimatlar|yonergeleri|kurallari|herseyi)(?:ni|ini|yok)?(?:yoksay|gozardiet|unut|dikkatealma)',
  ],
  [
    'override-id',
    'abaikan|lupakan',
    '(?:abaikan|lupakan)(?:semua|segala|seluruh|apa|yang|telah|sudah){0,4}(?:instruksi|perintah|petunjuk|arahan|aturan|diperintahkan|dikatakan|diajarkan)(?:sebelumnya|diatas|awal)?',
  ],
  [
    'override-vi',
    'boqua|quen',
    '(?:boqua|quendi|quen)(?:tatca|moi|nhung|cac|nhunggi){0,4}(?:huongdan|chidan|chithi|quytac|duocbao|duochuongdan|duocday)',
  ],
];

/** Scripts that do not part words. */
const UNPARTED: readonly Row[] = [
  [
    'override-zh',
    '忽略|无视|無視|忘记|忘記|忘掉|理会|遵守|忽视|忽視',
    '(?:忽略|无视|無視|忘记|忘記|忘掉|不要理会|不理会|不要遵守|忽视|忽視)(?:你|您|掉|所有|全部|一切|之前|以前|先前|以上|上面|前面|上述|此前|的|给|給|过|過|我|被|告诉|告訴|教|到|所){1,10}(?:指令|指示|说明|說明|命令|规则|規則|提示|内容|內容|话|話|要求|事情|一切)',
  ],
  [
    'override-ja',
    '無視|忘れ',
    '(?:これまで|今まで|以前|前|上記|先|すべて|全て|全部)(?:の|に|すべて|全て|与え|られた|言われた|教えられた|指示|された|こと|る){0,6}(?:指示|命令|指令|ルール|指図|プロンプト|こと)(?:を|は|すべて|全て|全部){0,3}(?:無視|忘れ)',
  ],
  [
    'override-ko',
    '무시|잊',
    '(?:이전|앞|위|지금까지|모든|전의)(?:의|에|모든|받은|들은|지시받은|주어진|있는){0,5}(?:지시|지침|명령|규칙|프롬프트|내용|것)(?:사항|들)?(?:을|를|은|는|모두|전부){0,3}(?:무시|잊)',
  ],
];

/** Marks of chat templates: nobody writes them by accident, and a model may read them as the end of what a user says. */
export const TEMPLATE_TOKEN_RULE = {
  id: 'template-token',
  pattern:
    /<\|(?:im_start|im_end|im_sep|system|user|assistant|start_header_id|end_header_id|eot_id|endoftext|begin_of_text|start|end|message|channel)\|>|\[\/?INST\]|<<\/?SYS>>|<\/?(?:start|end)_of_turn>/gi,
} as const;

/** Of phrases that an operator added. */
const OWN_PHRASE_ID = 'own-phrase';
const LEAST_LETTERS = 6;

export const PHRASE_RULES: readonly InjectionRule[] = [
  ...[...OVERRIDE, ...REVEAL, ...PERSONA, ...ELSEWHERE].map((row) => rule(row, true)),
  ...UNPARTED.map((row) => rule(row, false)),
];

/** Letters of the longest match that is sure to be found: parts of a long text that are searched one by one overlap by so much. */
export const OVERLAP_LETTERS = 256;

/** A pattern over the letters that `lettersOf` gives: its own are turned into the same ones. */
function rule([id, stems, source]: Row, wholeWords: boolean): InjectionRule {
  const letters = source.replaceAll(/\p{L}+/gu, lettersOf);
  const needed = stems.split('|').map(lettersOf);
  return { id, stems: needed, pattern: new RegExp(letters, 'gu'), wholeWords };
}

/** A rule for a phrase as somebody wrote it. Null when it has too few letters to be looked for. */
export function phraseRule(phrase: string): InjectionRule | null {
  const letters = lettersOf(phrase);
  if (letters.length < LEAST_LETTERS) return null;
  return { id: OWN_PHRASE_ID, stems: [letters], pattern: new RegExp(letters, 'gu'), wholeWords: true };
}
