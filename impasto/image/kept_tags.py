"""What of a photograph's metadata stays true of the painting: the names that are kept.

Kept is who made the photograph, when, of what, with which camera, lens and exposure, and whose it
is. Left out is what describes the file or its pixels (sizes, histories, thumbnails, previews, maker
notes, settings of a raw developer, marked regions), and what would be untrue of a painting, such as
"directly photographed". Names of places are apart, as they are kept only where a person asks.

Sources: Exif 3.0 (CIPA DC-008), XMP specification part 2, IPTC Photo Metadata 2023.1, IIM 4.2.
"""

from __future__ import annotations

from impasto.image.exif import Tags
from impasto.image.xmp import IMPASTO, NAMESPACES, prefixed

__all__ = [
    "EXIF",
    "IPTC",
    "IPTC_PLACES",
    "PNG_TEXTS",
    "PNG_TO_XMP",
    "XMP_OF_IPTC",
    "is_kept_property",
    "is_never_kept",
    "is_place",
]

_XP = range(0x9C9B, 0x9CA0)  # Windows' title, comment, author, keywords, subject
_IMAGE = {
    269, 270, 271, 272,  # document name, description, make, model
    282, 283, 296,  # resolution: read, and written by the format's own rules
    306, 315, 33432,  # date, artist, copyright
    18246, 18249,  # rating
    *_XP,
}  # fmt: skip
_PHOTO = {
    33434, 33437, 34850, 34852, 34855, *range(34864, 34870),  # exposure, aperture, sensitivity
    36864, 36867, 36868, 36880, 36881, 36882,  # version, dates, time zones
    *range(37377, 37387), 37510, 37520, 37521, 37522,  # APEX values to focal length, comment
    41483, 41493, 41495,  # flash energy, exposure index, sensor
    *range(41986, 41995), 41996,  # modes, white balance, zoom, rendering
    *range(42032, 42038),  # owner, serial number, lens
    42038, 42039, 42040, 42041,  # title, photographer, editor, firmware
}  # fmt: skip
EXIF = Tags(
    image=frozenset(_IMAGE), photo=frozenset(_PHOTO), place=frozenset(range(32)), longest=2**14
)
"""The tags of EXIF that are read; those of the place are then left out or not."""

# Of a namespace all, or only these.
_ALL = {"aux", "cc", "dc", "exifEX", "Iptc4xmpCore", "Iptc4xmpExt", "plus", "xmpRights"}
_SOME = {
    "exif": (
        "ApertureValue BrightnessValue Contrast DateTimeDigitized DateTimeOriginal "
        "DigitalZoomRatio ExposureBiasValue ExposureIndex ExposureMode ExposureProgram "
        "ExposureTime FNumber Flash FlashEnergy FocalLength FocalLengthIn35mmFilm GainControl "
        "ISOSpeedRatings LightSource MaxApertureValue MeteringMode Saturation SceneCaptureType "
        "SensingMethod Sharpness ShutterSpeedValue SpectralSensitivity SubjectDistance "
        "SubjectDistanceRange UserComment WhiteBalance"
    ),
    "lr": "hierarchicalSubject weightedFlatSubject",
    "photoshop": (
        "AuthorsPosition CaptionWriter Category Credit DateCreated Headline Instructions Source "
        "SupplementalCategories TransmissionReference Urgency"
    ),
    "tiff": "Artist Copyright DateTime ImageDescription Make Model",
    "xmp": "CreateDate Label ModifyDate Nickname Rating",
}
_PROPERTIES = {f"{prefix}:{name}" for prefix, names in _SOME.items() for name in names.split()}
_NEVER = {
    "dc:format",
    "exifEX:Gamma",
    "exifEX:InteroperabilityIndex",
    "Iptc4xmpExt:DigImageGUID",
    "Iptc4xmpExt:DigitalSourceType",
    "Iptc4xmpExt:ImageRegion",
    "Iptc4xmpExt:MaxAvailHeight",
    "Iptc4xmpExt:MaxAvailWidth",
}
_PLACES = {
    "Iptc4xmpCore:CountryCode",
    "Iptc4xmpCore:Location",
    "Iptc4xmpExt:City",
    "Iptc4xmpExt:CountryCode",
    "Iptc4xmpExt:CountryName",
    "Iptc4xmpExt:LocationCreated",
    "Iptc4xmpExt:LocationId",
    "Iptc4xmpExt:LocationName",
    "Iptc4xmpExt:LocationShown",
    "Iptc4xmpExt:ProvinceState",
    "Iptc4xmpExt:Sublocation",
    "Iptc4xmpExt:WorldRegion",
    "photoshop:City",
    "photoshop:Country",
    "photoshop:State",
}


def is_place(name: str) -> bool:
    """Return whether an XMP name (`{address}local`) says where a picture was taken."""
    short = prefixed(name)
    return short in _PLACES or short.startswith("exif:GPS")


def is_never_kept(name: str) -> bool:
    """Return whether an XMP name is left out wherever it stands, also inside of others."""
    return name.startswith(f"{{{IMPASTO}}}") or prefixed(name) in _NEVER


def is_kept_property(name: str) -> bool:
    """Return whether a property of XMP is kept; those of places are not among them."""
    short = prefixed(name)
    return short.partition(":")[0] in _ALL & set(NAMESPACES) or short in _PROPERTIES


IPTC = frozenset({5, 10, 15, 20, 25, 40, 55, 60, 62, 63, 80, 85, 103, 105, 110, 115, 116, 118, 120,
                  122})  # fmt: skip
"""The data sets of IPTC's record 2 that are kept."""

IPTC_PLACES = frozenset({26, 27, 90, 92, 95, 100, 101})
"""Those that name a place."""

# Data set → its property in XMP, and how several values are listed; "" for one value.
XMP_OF_IPTC = {
    5: ("dc:title", "Alt"),
    25: ("dc:subject", "Bag"),
    40: ("photoshop:Instructions", ""),
    80: ("dc:creator", "Seq"),
    85: ("photoshop:AuthorsPosition", ""),
    103: ("photoshop:TransmissionReference", ""),
    105: ("photoshop:Headline", ""),
    110: ("photoshop:Credit", ""),
    115: ("photoshop:Source", ""),
    116: ("dc:rights", "Alt"),
    120: ("dc:description", "Alt"),
    122: ("photoshop:CaptionWriter", ""),
    90: ("photoshop:City", ""),
    92: ("Iptc4xmpCore:Location", ""),
    95: ("photoshop:State", ""),
    100: ("Iptc4xmpCore:CountryCode", ""),
    101: ("photoshop:Country", ""),
}
"""The equivalents that IPTC's own guideline names (IPTC Photo Metadata, IIM mapping)."""

PNG_TEXTS = ("Title", "Author", "Description", "Copyright", "Creation Time", "Disclaimer")
"""The keywords of PNG's text chunks that are kept (W3C PNG, 11.3.3.2)."""

PNG_TO_XMP = {
    "Title": ("dc:title", "Alt"),
    "Author": ("dc:creator", "Seq"),
    "Description": ("dc:description", "Alt"),
    "Copyright": ("dc:rights", "Alt"),
    "Disclaimer": ("xmpRights:UsageTerms", "Alt"),
}
"""Their equivalents in XMP."""
