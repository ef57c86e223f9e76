"""Clients, trades and projects of the invented base: what is labelled, for whom, how hard it is and what it pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HOURLY = 17.9  # yuan an experienced person earns in an attended hour: about 3,500 a month at 24.5 days of eight hours
EFFECT = 1.19  # attended seconds per second of drawing: fatigue, pauses, opening the next item
CUT = 0.12  # what each hand above us keeps
SLIDE_PRICE, SLIDE_RATE = 0.30, 0.20  # fall over three years


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade on the floor. kind: the store's word for the data; share: of the people; turnover: leavers a year over average headcount."""

    code: str
    kind: str
    item: str
    share: float
    turnover: float
    per_reviewer: int = 12


TRADES = (
    Trade("image_box", "image", "img", 0.52, 0.30),
    Trade("keypoint", "image", "img", 0.09, 0.30),
    Trade("polygon", "image", "img", 0.09, 0.30),
    Trade("point_cloud", "pointcloud", "pcd", 0.07, 0.30),
    Trade("text", "text", "txt", 0.08, 0.35),
    Trade("audio", "audio", "aud", 0.08, 0.50),
    Trade("video", "video", "vid", 0.05, 0.50),
    Trade("medical", "medical", "dcm", 0.02, 0.20, 4),
)
TRADE = {trade.code: index for index, trade in enumerate(TRADES)}


@dataclass(frozen=True, slots=True)
class Tool:
    """A labelling tool and the clock its durations are measured with."""

    code: str
    prefix: str
    clock: Literal["gap_100s", "lead_time", "active", "reported"]


TOOLS = (
    Tool("cvat", "CV", "gap_100s"),
    Tool("label_studio", "LS", "lead_time"),
    Tool("client_platform", "PF", "active"),
    Tool("daily_sheet", "DS", "reported"),
)
TOOL = {tool.code: index for index, tool in enumerate(TOOLS)}

CLIENTS = {
    "屿行智驾": "Yuxing Autodrive",
    "砚山出行": "Yanshan Mobility",
    "汐岸机器人": "Xi'an Robotics",
    "拾穗零售": "Shisui Retail",
    "谷垚农业": "Guyao Agritech",
    "听涧语音": "Tingjian Speech",
    "墨屿科技": "Moyu Language",
    "幕间传媒": "Mujian Media",
    "澈影医疗": "Cheying Imaging",
}


@dataclass(frozen=True, slots=True)
class Project:
    """One project. seconds: attended seconds a unit costs a trained person; started/ends: days from the first/to the last day of the log."""

    id: str
    zh: str
    en: str
    client: str
    trade: str
    task: str
    unit: str
    weight: float
    units: float  # mean units of one submission
    seconds: float
    errors: float = 1.0  # error rate relative to the person's own
    tool: str = "cvat"
    prelabelled: float = 0.0  # share of items with a model's proposal
    assisted: float = 1.0  # time on those, relative to a blank item
    sampled: float = 0.12  # share of trained people's work that is reviewed
    limit: float = 0.025  # share of bad items the client tolerates
    tier: int = 0
    upstream: str | None = None
    markup: float = 1.72  # end client's price over the piece rate
    pay_on: Literal["submit", "pass", "accept"] = "submit"
    rework: float = 0.6  # rate of rework relative to first passes; 0 = the author redoes unpaid
    hourly: float = HOURLY
    age: int = 1100  # days the contract has run
    starts: float = 0.0  # fraction of the log at which work begins
    ends: float = 1.0  # fraction of the log at which work ends
    answer: int = 3  # days the client takes to decide a batch
    feedback: bool = False  # the client returns a verdict per item
    both: bool = True  # worked on at the second site, too

    @property
    def rate(self) -> float:
        """Piece rate per unit today, yuan."""
        return round(self.hourly * self.seconds / 3600, 4)

    @property
    def price(self) -> float:
        """What reaches us per unit today: the end client's price less a cut for every hand above."""
        return round(self.rate * self.markup * (1 - CUT) ** self.tier, 4)

    @property
    def blank(self) -> float:
        """Seconds of drawing per unit on an item without a proposal."""
        return self.seconds / EFFECT / (1 - self.prelabelled + self.prelabelled * self.assisted)


_HANDS = (None, "数垦科技", "数垦科技/连橙数据", "数垦科技/连橙数据/小满工作室")


def _p(number: int, *args: object, **kwargs: object) -> Project:
    kwargs.setdefault("upstream", _HANDS[kwargs.get("tier", 0)])  # type: ignore[call-overload]
    return Project(f"P{number:03d}", *args, **kwargs)  # type: ignore[arg-type]


PROJECTS = (
    _p(1, "高速车辆拉框", "Highway vehicle boxes", "屿行智驾", "image_box", "2d_box", "框", 22, 15.5, 8.6, answer=3, feedback=True),
    _p(2, "城区路口拉框", "Urban crossing boxes", "屿行智驾", "image_box", "2d_box", "框", 17, 16.0, 9.2, errors=1.2, prelabelled=0.7, assisted=0.62),
    _p(3, "泊车环视拉框", "Parking surround boxes", "砚山出行", "image_box", "2d_box", "框", 15, 13.5, 9.8, tool="client_platform", tier=1, answer=3),
    _p(4, "货架商品拉框", "Shelf product boxes", "拾穗零售", "image_box", "2d_box", "框", 13, 16.0, 7.4, tool="label_studio", tier=1, errors=1.1, pay_on="accept", rework=0.0, answer=3),
    _p(5, "果实检测拉框", "Fruit detection boxes", "谷垚农业", "image_box", "2d_box", "框", 9, 15.5, 7.0, tier=2, answer=3, age=700, markup=1.8),
    _p(6, "安防行人拉框", "Pedestrian boxes", "砚山出行", "image_box", "2d_box", "框", 10, 13.0, 9.6, tier=3, markup=1.55, errors=1.25, rework=0.0, answer=5, tool="daily_sheet"),
    _p(7, "仓储机器人拉框", "Warehouse robot boxes", "汐岸机器人", "image_box", "2d_box", "框", 9, 14.0, 9.2, tool="client_platform", feedback=True, age=420),
    _p(8, "夜间红外拉框", "Night infrared boxes", "屿行智驾", "image_box", "2d_box", "框", 8, 12.5, 9.6, errors=1.3, markup=1.66, limit=0.03, starts=0.35, age=60),
    _p(9, "人脸关键点", "Face keypoints", "拾穗零售", "keypoint", "keypoints", "点", 10, 23.0, 5.4, tool="client_platform", prelabelled=0.8, assisted=0.55, tier=1),
    _p(10, "车道线关键点", "Lane keypoints", "砚山出行", "keypoint", "keypoints", "点", 8, 20.0, 6.6),
    _p(11, "可行驶区域分割", "Drivable area polygons", "屿行智驾", "polygon", "segmentation", "框", 10, 4.5, 31.0, prelabelled=0.5, assisted=0.7, limit=0.03),
    _p(12, "农田地块分割", "Field parcel polygons", "谷垚农业", "polygon", "segmentation", "框", 6, 3.9, 36.0, tool="label_studio", tier=2, ends=0.72, age=240, both=False),
    _p(13, "激光雷达立体框", "Lidar cuboids", "砚山出行", "point_cloud", "3d_box", "框", 10, 4.7, 33.0, errors=1.3, limit=0.035, markup=1.78, answer=4, tool="client_platform"),
    _p(14, "室内点云语义", "Indoor point cloud", "汐岸机器人", "point_cloud", "3d_segmentation", "框", 5, 3.7, 40.0, errors=1.2, limit=0.035, tier=1, age=300, both=False),
    _p(15, "客服对话意图", "Support dialogue intent", "墨屿科技", "text", "classification", "段", 8, 6.6, 17.0, tool="label_studio", tier=1, feedback=True),
    _p(16, "长文改写评估", "Long text rewriting", "墨屿科技", "text", "rewriting", "字", 6, 165.0, 0.72, tool="label_studio", errors=0.9, pay_on="accept", age=500),
    _p(17, "方言语音转写", "Dialect transcription", "听涧语音", "audio", "transcription", "秒", 10, 13.8, 9.2, tool="label_studio", errors=1.2, answer=4),
    _p(18, "车机唤醒词切分", "Wake word segments", "听涧语音", "audio", "segmentation", "段", 6, 9.8, 11.5, tier=3, markup=1.7, errors=1.1, prelabelled=0.6, assisted=0.6, tool="client_platform"),
    _p(19, "短视频动作片段", "Short video actions", "幕间传媒", "video", "temporal", "段", 8, 5.9, 21.0, tool="client_platform", tier=2, errors=1.15, markup=1.8),
    _p(20, "多目标跟踪", "Multi-object tracking", "屿行智驾", "video", "tracking", "框", 7, 15.0, 8.8, prelabelled=0.85, assisted=0.6, errors=1.25, limit=0.03),
    _p(21, "肺结节影像标注", "Lung nodule contours", "澈影医疗", "medical", "segmentation", "框", 5, 3.2, 38.0, tool="label_studio", errors=0.7, sampled=1.0, limit=0.015, hourly=44.0, pay_on="pass", markup=1.9, answer=5, feedback=True, age=650, both=False),
)  # fmt: skip
GUIDELINE_PROJECT, OUTAGE_TOOL = "P001", "cvat"
