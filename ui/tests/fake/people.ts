/** Invented people and words. */
export const names = [
  'Maria Souza',
  'João Pedro Almeida',
  'Ana Beatriz Carvalho',
  'Antônio Ferreira',
  'Luciana Prado',
  'Rafael Nogueira',
  'Dona Zilda',
  'Camila Teixeira',
  'Marcos Vinícius',
  'Patrícia Gomes',
  'José Carlos da Conceição Albuquerque de Vasconcelos Filho',
  'Bruna 🌻 Martins',
  'Fernanda Lopes',
  'Eduardo Sá',
  'Helena Bittencourt',
  'Tiago Ramos',
  'Sônia Regina',
  'Gustavo Moura',
  'Larissa Cunha',
  'Paulo Henrique',
  'يوسف حداد',
  'Vera Lúcia',
  'Caio Batista',
  'Renata Fonseca',
  'Otávio Reis',
  'Isabela Pires',
  'Wagner Luz',
  'Mônica Salles',
  'Diego Farias',
  'Cláudia Brandão',
  'Nelson Kato',
  'Jéssica Amorim',
  'Sérgio Leal',
  'Débora Pinto',
];

export const lines = [
  'Oi, bom dia! Vcs atendem sábado?',
  'posso remarcar minha consulta de amanha?',
  'Quanto custa a limpeza?',
  'Obrigada, até quinta 😊',
  'Meu filho está com febre desde ontem, tem encaixe hoje?',
  'Boa tarde, queria saber se aceitam o convênio Saúde Mais',
  'to chegando, o transito ta parado',
  'Pode ser às 16h então',
  'ok',
  'Qual o endereço mesmo?',
  'Preciso de um atestado da consulta de segunda',
  'Fiz o pix agora, segue o comprovante',
  'A doutora pode me ligar?',
  'não vou conseguir ir hoje, desculpa avisar em cima da hora',
];

export const answers = [
  'Bom dia! Atendemos sim, das 8h às 12h.',
  'Claro, tenho hoje às 16:00 ou terça às 9:30. Qual prefere?',
  'A avaliação fica R$ 180,00 e já inclui a limpeza.',
  'Combinado, até lá!',
  'Rua das Acácias, 120, sala 4. Tem estacionamento na frente.',
  'Sem problema, já deixei remarcado.',
  'Recebido, obrigada!',
];

export const services = [
  'Consulta',
  'Retorno',
  'Avaliação inicial',
  'Limpeza',
  'Sessão de fisioterapia',
  'Avaliação odontológica completa com radiografia',
  'Vacina',
];

export const wants = [
  'Clareamento',
  'Avaliação inicial',
  'Pacote de fisioterapia, 10 sessões',
  'Aparelho invisível',
  'Check-up anual',
  'Consulta para o filho',
];

/** A small deterministic dice. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}
