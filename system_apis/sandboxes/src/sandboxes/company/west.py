"""Locales written in the Latin script."""
# ruff: noqa: RUF001 - letters that resemble others are the point

from sandboxes.company.locales import Locale, places, words

GERMANY = Locale(
    "DE",
    "EUR",
    "de",
    "+49 40",
    "DE#########",
    "GmbH",
    places("Hamburg/HH/20###|Köln/NW/50###|München/BY/80###|Göttingen/NI/37###|Saarbrücken/SL/66###"),
    words("Königstraße|Hafenweg|Lindenallee|Am Mühlbach|Straße des 17. Juni|Gewerbering"),
    words("Jürgen|Anneliese|Sören|Käthe|Björn|Mareike|Thorsten|Ursula"),
    words("Müller|Groß|Weiß|Schäfer|Köhler|von der Heyde|Böhm|Yıldız"),
    words("Nordlicht|Rheingold|Möwe|Alster|Eisvogel|Schwarzwald|Brückner|Hansekontor"),
    words("Maschinenbau|Wasserwerke|Kältetechnik|Chemie|Anlagenbau|Brauerei"),
)
UNITED_STATES = Locale(
    "US",
    "USD",
    "en",
    "+1 415",
    "##-#######",
    "Inc.",
    places("San Francisco/CA/941##|Austin/TX/787##|Reno/NV/895##|Boise/ID/837##|Portland/OR/972##"),
    words("Market Street|Oak Ave|Industrial Pkwy|Martin Luther King Jr Blvd|Route 66|Harbor Dr"),
    words("Grace|Marcus|Imani|Walter|Guadalupe|Tyrone|Abigail|Chen"),
    words("O'Neill|Washington|Nguyen|Smith-Jones|García|Kowalski|Begaye|de la Cruz"),
    words("Redwood|Blue Heron|Summit & Sons|Lone Star|Great Basin|Cascade|Ironwood|Bay Bridge"),
    words("Process Controls|Water District|Refining|Food Systems|HVAC Supply|Pharma"),
)
BRITAIN = Locale(
    "GB",
    "GBP",
    "en",
    "+44 20",
    "GB#########",
    "Ltd",
    places("London//EC#A #@@|Leeds//LS# #@@|Bristol//BS# #@@|Stoke-on-Trent//ST# #@@"),
    words("High Street|Quay Road|St. Mary's Lane|The Old Brewery|Millbank"),
    words("Siân|Callum|Olwen|Rupert|Aoife|Harriet|Nigel|Priya"),
    words("Llewellyn|MacDonald|O'Brien|Featherstonehaugh|Patel|Whitby"),
    words("Thistle|Brunel|Kingfisher|Pennine|Severn|Marks, Hale & Co"),
    words("Engineering|Gasworks|Instruments|Marine|Breweries"),
)
FRANCE = Locale(
    "FR",
    "EUR",
    "fr",
    "+33 1",
    "FR###########",
    "SAS",
    places("Paris//750##|Lyon//690##|Saint-Étienne//420##|Besançon//250##"),
    words("rue de l'Église|boulevard Saint-Michel|allée des Tilleuls|quai d'Orsay"),
    words("Chloé|François|Zoë|Jérôme|Océane|Loïc"),
    words("Lefèvre|D'Aubigné|Noël|Hervé|L'Hôpital|Benoît"),
    words("L'Atelier du Rhône|Garance|Hirondelle|Côte d'Azur|Mistral"),
    words("Énergie|Pétrochimie|Hydraulique|Fromagerie|Aéronautique"),
)
POLAND = Locale(
    "PL",
    "PLN",
    "pl",
    "+48 22",
    "PL##########",
    "sp. z o.o.",
    places("Łódź//9#-###|Kraków//3#-###|Gdańsk//8#-###|Wrocław//5#-###"),
    words("ul. Żeromskiego|ul. Świętokrzyska|al. Jerozolimskie|ul. Długa"),
    words("Zofia|Łukasz|Małgorzata|Świętosław|Żaneta|Paweł"),
    words("Wójcik|Dąbrowski|Szczęsny|Brzęczyszczykiewicz|Żółtowska"),
    words("Wisła|Żubr|Bursztyn|Śląsk|Orzeł"),
    words("Hutnictwo|Energetyka|Mleczarnia|Stocznia"),
)
SWITZERLAND = Locale(
    "CH",
    "CHF",
    "de",
    "+41 44",
    "CHE#########",
    "AG",
    places("Zürich/ZH/80##|Genève/GE/12##|Lugano/TI/69##|Chur/GR/70##"),
    words("Bahnhofstrasse|Rue du Rhône|Via Nassa|Limmatquai"),
    words("Urs|Reto|Fränzi|Beat|Noëlle|Giulia"),
    words("Züblin|Rüegg|Aebischer|Bernasconi|Favre"),
    words("Matterhorn|Limmat|Edelweiss|Rösti & Partner"),
    words("Präzision|Pharma|Turbinen|Messtechnik"),
)
BRAZIL = Locale(
    "BR",
    "BRL",
    "pt",
    "+55 11",
    "##.###.###/0001-##",
    "Ltda.",
    places("São Paulo/SP/01###-###|Belém/PA/66###-###|Goiânia/GO/74###-###"),
    words("Avenida São João|Rua das Laranjeiras|Travessa da Conceição"),
    words("João|Conceição|Antônio|Luísa|Tainá"),
    words("Gonçalves|Araújo|Magalhães|Falcão|dos Santos"),
    words("Ipê Amarelo|Tucano|Pão de Açúcar|Sertão"),
    words("Mineração|Usina|Celulose|Saneamento"),
)
LOCALES = (GERMANY, UNITED_STATES, BRITAIN, FRANCE, POLAND, SWITZERLAND, BRAZIL)
