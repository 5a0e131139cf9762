"""Invented player names: accents, apostrophes, hyphens and suffixes, as in the real league, and nobody real meant."""

import re
import unicodedata
from collections.abc import Iterator

import numpy as np

_FIRST = (
    "Abel Adrián Alaric Aleksa Amadi Anders André Anton Archer Armel Arvid Baptiste Barnaby Bastien Bautista "
    "Benoît Bjørn Bohdan Bram Caspian Cassius Cédric Corvin Cosmo D'Andre D'Quan Dagan Danilo Dario Davor "
    "De'Marre Desmond Dezmin Diarmuid Dmytro Domagoj Édouard Efrem Elio Emeka Enzo Évan Ezra Fabian Federico "
    "Finnian Florian Frédéric Gaël Gideon Goran Gustav Halvard Hendrik Horatio Hugo Ibrahim Ignas Ilija Imre "
    "Ismaël Ivo J.T. Ja'Kobe Jarek Jasper Jérôme Joaquín Jokūbas Josué Juwan K.J. Kaan Kamau Kasimir Ke'Shawn "
    "Kofi Kristóf Lars Leandro Léo Linus Lorcan Luca Łukasz Magnus Malachi Mateo Matěj Miloš Moussa Nando Nemanja "
    "Nikola Noël Obadiah Octavio Oisín Olumide Orson Otis Øystein Pau Percival Petar Philippe Quentin Quincy "
    "Rafaël Ramón Rasmus Renato Roan Rodrigue Ronan Samuel Sékou Severin Simão Stefan Sylvain Tadeáš Tariq Tavon "
    "Théo Thiago Tobias Tomáš Tre'Von Tristan Uroš Valentín Vasilije Vít Vuk Wendell Wilder Xavi Yannick Yohan "
    "Zacharias Zdeněk Ziaire Žiga Zoltan"
)
FIRST = tuple(_FIRST.split())
"""Given names."""

_LAST = (
    "Abernant Achterberg Adeyinka Aldershaw Almquist Anozie Ashdown Babić Balogh Barrowclough Bělohrad Benavente "
    "Birkeland Blackmoor Bonneville Børgesen Brannigan Brzozowski Calloway-Reed Castañeda Cavendale Čermák "
    "Chukwuma Cissokho Claverie Coldwater Contreras-Vidal Cotterill D'Amboise D'Aragona Dampierre Danjuma Deloria "
    "Diakhité Dietrichs Dombrowe Dragojević Drummore Duquesnoy Dvorak Eastlake Edevane Egwuonwu Ekelund Elphick "
    "Estévez-Roy Fairbairn Fangmeier Farquhar Fenwick Ferreyra Flaxmoor Fontaine-Diop Forsberg Gallimore "
    "Garnett-Hale Gbadebo Ghirardi Glasgow Goodfellow Grabowiec Granqvist Grímsson Gyllenhammar Hallbrook "
    "Harcombe Hathersage Hawksworth Hjelmeland Holloway Horvátik Huxtable Ibekwe Ilgner Inglewood Iversholt "
    "Jablonski Jagiełło Jaramillo Jelavić Jørstad Kaczmarek Kalinić Karlsen-Boyd Kettleby Kingsbridge Kolarić "
    "Koumba Krejčí Kvist Lamontagne Langstaff Laszlo Latimore Lécuyer Lindqvist Lockridge Lovelock Lützow "
    "Madubuike Maksimčuk Malmström Marchetti Marivaux Mbengue-Roux McAlder McCorrigan Medhurst Mickelthwaite "
    "Montenaro Mordaunt Nakamba Ndongmo Netherby Niangoran Nightingale Nørgaard Novotny-Hill Nwachukwu O'Brannon "
    "O'Dunleavy O'Shaughran Oakenfold Obradovac Odimegwu Okonjo Olafsen Onwuka Örnberg Ostrowe Oyelaran Palmgren "
    "Papastefanou Pemberley Peñalver Petrauskas Pickersgill Plessier Popadić Prendergast Quarshie Quillfeather "
    "Radnóti Rasmussen Ravenhill Reinholt Rookwood Rosendahl Rutherglen Saint-Amour Sandoval-Cruz Sarsfield "
    "Savićević Schönfeld Selassie Shackleton Sigurjón Šimkus Skarsgaard Sobande Sørlie Stallworth Stojković "
    "Sundqvist Szabolcs Tamboura Tarkington Thackeray Thistlewood Tomaševski Touré-Blanc Trevanion Tunnicliffe "
    "Udechukwu Uusitalo Valančik Vandermeer Varga Vestergaard Villanueva-Ost Vukčević Wadsworth Wainscott "
    "Waldegrave Weatherby Whitlock Wieczorek Windermere Wolstenholme Woźniak Yarborough Yeboah Zabrowski "
    "Žalgirytė Zeller-Quist Zubizarreta"
)
LAST = tuple(_LAST.split())
"""Family names."""

SUFFIXES = ("Jr.", "III", "II", "IV")
_SUFFIX_SHARE = 0.06
_SUFFIX_WEIGHTS = (0.62, 0.22, 0.12, 0.04)


def plain(name: str) -> str:
    """The name without accents, marks and case: equal ones would be one player to a reader of the files."""
    decomposed = unicodedata.normalize("NFKD", name.lower().translate(str.maketrans("øłđı", "oldi")))
    return re.sub("[^a-z]", "", decomposed)


def new_names(rng: np.random.Generator, taken: set[str]) -> Iterator[str]:
    """Names without end, none equal, accents and marks dropped, to one of `taken`, which grows."""
    while True:
        name = f"{FIRST[rng.integers(len(FIRST))]} {LAST[rng.integers(len(LAST))]}"
        if rng.random() < _SUFFIX_SHARE:
            name += f" {rng.choice(SUFFIXES, p=_SUFFIX_WEIGHTS)}"
        if plain(name) not in taken:
            taken.add(plain(name))
            yield name
