"""Sentences of telephone bots by language, with numbers and words hard to time."""

ENGLISH = """\
Hello, this is the front desk. How can I help you today?
Sure.
Of course, one moment please.
I'm sorry, I didn't catch that. Could you say it again?
Your table for four is booked on Friday at 7:30, under the name Miller.
That comes to $20, including delivery.
Dr. Smith can see you at 9:30, or, if you prefer, at a quarter past eleven.
We are open from Monday to Friday, 8 to 6, and on Saturday from 9 to 1.
The train to Boston leaves at 12:45 from platform 3.
Your order number is 48213, and it will arrive on March 3rd.
No problem at all; I have moved your appointment to next Tuesday.
Well, let me think. It depends on what you want to spend, and on how soon.
The total is $129.50, plus tax, so about $140.
Please call us back at 555 0134, any day before 5 pm.
It is 72 degrees in San Francisco right now, with a light wind from the west.
Mr. and Mrs. Jones live at 221 Baker St., on the second floor.
Yes, we do have parking, but it is quite small, so please come early.
Thank you for calling. Goodbye!
You can pay by card, by bank transfer, or in cash when you arrive.
I would recommend the mushroom risotto, which comes with a green salad, fresh bread \
and a glass of white wine.
Our internationally acclaimed rehabilitation programme includes physiotherapy, \
hydrotherapy and occupational counselling.
Okay. So, first, switch it off. Then wait ten seconds. Then switch it on again.
The population grew from 1,250 in 1990 to 18,400 in 2020.
It weighs 2.5 kg and costs 15% less than last year's model.
To be honest, I do not know; shall I ask a colleague to ring you back?
The capital of Australia is Canberra, not Sydney, although many people think so.
There are three options: a single room, a double room, or a suite with a view.
If you have a fever above 101, call the clinic; otherwise rest, drink water, and \
try again tomorrow.
A flight to London takes 7 hours 20 minutes, and the next one is at 22:15.
Your reference is A7 X4 92, I repeat, A7 X4 92.
He said "come in", and then, quite suddenly, he left.
Once upon a time there was a small telephone that lived in the hall of a big house, \
and every morning it waited for somebody to call.
The warranty, which covers parts and labour, runs for 24 months from the day of \
purchase, and it can be extended for another 12 months at $49.99 a year.
"""

GERMAN = """\
Guten Tag, hier ist die Praxis Dr. Weber, was kann ich für Sie tun?
Einen Moment, bitte.
Ihr Termin ist am Donnerstag um 14:30 Uhr, im zweiten Stock.
Die Rechnung beträgt 129,50 Euro, zahlbar bis zum 15. März.
Die Haftpflichtversicherung übernimmt die Reparaturkosten, abzüglich der \
Selbstbeteiligung.
Gerne. Möchten Sie lieber am Vormittag kommen, oder passt es Ihnen nachmittags besser?
Der nächste Zug nach Hamburg fährt um 9:05 von Gleis 12, mit Umstieg in Hannover.
Ja, das geht.
Wir haben montags bis freitags von 8 bis 18 Uhr geöffnet, samstags nur bis 13 Uhr, und \
sonntags ist geschlossen.
"""

FRENCH = """\
Bonjour, que puis-je faire pour vous ?
Bien sûr, un instant s'il vous plaît.
Votre rendez-vous est fixé au mardi 12 à 15 h 30, avec le docteur Martin.
Cela fait 45 euros, livraison comprise, et vous recevrez le colis avant vendredi.
Je suis désolée, nous sommes complets ce soir; voulez-vous essayer demain ?
Le restaurant se trouve au 27 rue de la Paix, juste en face de la gare.
Il fait 18 degrés à Lyon, avec un peu de vent, et il pleuvra probablement ce soir.
D'accord.
La réservation est valable jusqu'au 30 juin 2026, et vous pouvez l'annuler sans frais, \
par téléphone ou en ligne.
"""

SPANISH = """\
Buenos días, le atiende la recepción, ¿en qué puedo ayudarle?
Claro, un momento, por favor.
Su mesa para cuatro está reservada el viernes a las 21:30, a nombre de García.
Son 35 euros, con el envío incluido.
Lo siento mucho, pero hoy no queda nada; ¿le viene bien mañana por la mañana?
El autobús número 14 sale a las 8:05 y tarda unos 40 minutos en llegar al aeropuerto.
Muy bien.
Abrimos de lunes a viernes, de 9 a 2 y de 5 a 8, y los sábados solamente por la mañana.
Su pedido, con la referencia 7731, llegará el 3 de marzo, salvo que haya retrasos.
"""

SENTENCES = {
    language: text.splitlines()
    for language, text in [
        ("en", ENGLISH),
        ("de", GERMAN),
        ("fr", FRENCH),
        ("es", SPANISH),
    ]
}
