"""The words that the generated deliveries are made of."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CATEGORIES = ("Technician Support", "Network Failure", "Router Delivery", "Payments")
STATUSES = ("Resolved", "In-Progress", "Backlog", "Blocked")
CHANNELS = ("Instagram", "Twitter", "Facebook", "LinkedIn")
EXPERIENCE = ("Senior", "Mid-level", "Junior", "intern")

# Most rows arrive with one of the two broken spellings.
EMAIL_DOMAINS = ("GmaiL.om",) * 9 + ("hotmai.com",) * 7 + ("gmail.com", "hotmail.com", "yahoo.com", "yahoo.com")

MALE_NAMES = _words(
    "Aaron Adam Alan Albert Andre Andrew Anthony Brandon Brian Carlos Charles Christian Daniel David Dennis "
    "Derek Donald Douglas Edward Eric Gary George Gregory Henry Isaac Jacob James Jason Jeffrey Jeremy John "
    "Jonathan Joseph Joshua Justin Keith Kenneth Kevin Kyle Larry Luis Marcus Mark Matthew Michael Nathan "
    "Nicholas Patrick Paul Peter Philip Raymond Richard Robert Ronald Ryan Samuel Scott Stephen Steven "
    "Thomas Timothy Tyler Victor Vincent Walter William Zachary"
)
FEMALE_NAMES = _words(
    "Abigail Alexandra Alicia Amanda Amber Amy Andrea Angela Anna Ashley Barbara Brenda Brianna Brittany "
    "Carol Catherine Christina Cynthia Danielle Deborah Diana Donna Elizabeth Emily Erica Erin Hannah "
    "Heather Jacqueline Jamie Janet Jasmine Jennifer Jessica Joanna Julie Karen Kathleen Kayla Kelly "
    "Kimberly Laura Lauren Linda Lisa Margaret Maria Mary Megan Melissa Michelle Monica Nancy Natalie "
    "Nicole Olivia Pamela Patricia Rachel Rebecca Samantha Sandra Sarah Sharon Stephanie Susan Tara "
    "Taylor Theresa Tiffany Valerie Vanessa Veronica Victoria Wendy"
)
LAST_NAMES = _words(
    "Adams Allen Anderson Bailey Baker Barnes Bell Bennett Boyd Brooks Brown Bryant Butler Campbell Carter "
    "Castillo Chapman Clark Coleman Collins Cook Cooper Cox Cruz Davis Diaz Edwards Ellis Evans Fisher "
    "Flores Ford Foster Garcia Gibson Gomez Gonzalez Graham Gray Green Griffin Hall Hamilton Harris "
    "Harrison Hayes Henderson Hernandez Hill Howard Hughes Jackson James Jenkins Johnson Jones Jordan "
    "Kelly Kennedy King Lee Lewis Long Lopez Marshall Martin Martinez Mason McDonald Miller Mitchell "
    "Moore Morales Morgan Morris Murphy Murray Myers Nelson Nguyen Ortiz Owens Parker Patterson Perez "
    "Perry Peterson Phillips Powell Price Ramirez Reed Reyes Reynolds Richardson Rivera Roberts Robinson "
    "Rodriguez Rogers Ross Russell Ryan Sanchez Sanders Schultz Scott Simmons Simpson Smith Stevens "
    "Stewart Sullivan Taylor Thomas Thompson Torres Tucker Turner Walker Wallace Ward Washington Watson "
    "Webb West White Williams Wilson Wood Woods Wright Young"
)
STREET_NAMES = _words(
    "Amber Ash Bay Birch Bridge Canyon Cedar Center Chapel Cherry Church Clay College Cross Crystal Dale "
    "Elm Fairview Field Forest Garden Glen Grove Harbor Heather Highland Hollow Jackson Lake Lakeview Laurel "
    "Liberty Lincoln Locust Madison Main Maple Meadow Mill Mountain North Oak Orchard Park Pine Pleasant "
    "Pond Prospect Ridge River Rose School Shore South Spring Spruce Summit Sunset Union Valley View Walnut "
    "Washington Water West Willow Woodland"
)
STREET_KINDS = ("Street", "Avenue", "Road", "Drive", "Lane", "Court", "Way", "Trail", "Parkway", "Plaza")
CITY_STARTS = ("North", "South", "East", "West", "New", "Lake", "Port")
CITY_ENDS = ("ville", "ton", "burgh", "side", "mouth", "berg", "fort", "view", "haven", "stad")

STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho",
    "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina",
    "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania",
    "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas",
    "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia",
    "WI": "Wisconsin", "WY": "Wyoming",
}  # fmt: skip
# Territories stand in street addresses, the armed forces' codes (AA, AE, AP) in military ones only.
ADDRESS_STATES = (*STATES, "DC", "AS", "FM", "GU", "MH", "MP", "PR", "PW", "VI")
MILITARY_STATES = ("AA", "AE", "AP")
